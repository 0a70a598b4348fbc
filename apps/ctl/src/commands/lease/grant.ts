import { rpcs } from "@quorate/client";
import { CommandFailure } from "../../command-failure.js";
import { ExitCode } from "../../exit-codes.js";
import { defineCommand } from "../../frame/command.js";
import { parseInt64, ValueError } from "../../frame/go-values.js";
import { hexId } from "../../output/pairs.js";
import { badArguments, fieldsBelowHeader } from "../message-forms.js";
import { leaseFailure, leaseField, leaseForms } from "./lease-forms.js";

export const leaseGrant = defineCommand({
  name: "grant",
  usage: "<ttl>",
  short: "Creates leases",
  long: "Creates a lease that lives for at least <ttl> seconds unless it is renewed. Members raise a time that is too short for them.",
  async run(context) {
    const { timeoutMs } = context;
    const [ttl = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("lease grant command needs TTL argument");
    const TTL = parseTtl(ttl);
    const session = await context.connect();
    const answer = await session.call(rpcs.leaseGrant, { TTL }, { timeoutMs }).catch((error: unknown) => {
      throw leaseFailure(error, "failed to grant lease");
    });
    return {
      simple: (page) => page.line(`lease ${hexId(answer.ID)} granted with TTL(${answer.TTL}s)`),
      fields: fieldsBelowHeader(answer.header, (page, options) => {
        page.field("ID", leaseField(answer.ID, options)).field("TTL", answer.TTL);
      }),
      ...leaseForms(answer.header, { ID: answer.ID, TTL: answer.TTL, Error: answer.error }),
    };
  },
});

function parseTtl(text: string): bigint {
  try {
    return parseInt64(text, 10);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new CommandFailure(ExitCode.BadArguments, `bad TTL (${error.message})`);
  }
}
