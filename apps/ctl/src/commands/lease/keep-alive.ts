import { ClientError, type Rpc } from "@quorate/client";
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from "@quorate/proto";
import { CommandFailure } from "../../command-failure.js";
import { errorText } from "../../connection/go-error.js";
import { noTimeout, type Session } from "../../connection/session.js";
import { ExitCode } from "../../exit-codes.js";
import { defineCommand } from "../../frame/command.js";
import type { Forms } from "../../output/forms.js";
import { hexId } from "../../output/pairs.js";
import type { World } from "../../world.js";
import { parseLeaseId } from "../lease-id.js";
import { badArguments, fieldsBelowHeader } from "../message-forms.js";
import { leaseField, leaseForms } from "./lease-forms.js";

/**
 * The stream of renewals, used for one question and its answer. To renew twice does no harm, hence "read": it is repeated until
 * somebody answers.
 */
const renewOnce: Rpc<LeaseKeepAliveRequest, LeaseKeepAliveResponse> = {
  path: "/etcdserverpb.Lease/LeaseKeepAlive",
  request: LeaseKeepAliveRequest,
  answer: LeaseKeepAliveResponse,
  effect: "read",
};
/** Renewals per lifetime of a lease. */
const renewalsPerTtl = 3;

export const leaseKeepAlive = defineCommand({
  name: "keep-alive",
  usage: "[options] <leaseID>",
  short: "Keeps leases alive (renew)",
  long: "Renews a lease, three times in the time that it lives for, until it is gone or the command is ended.",
  flags: { once: { kind: "bool", help: "renew it once and end" } },
  async run(context) {
    const [text = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("lease keep-alive command needs lease ID as argument");
    const id = parseLeaseId(text, "lease ID arg");
    const session = await context.connect();
    if (context.flags.once) return formsOf(await renewAndFind(session, id), id);
    for await (const answer of renewals(session, id, context.world)) context.print(formsOf(answer, id));
    if (context.globals["write-out"] === "simple") {
      context.printText((page) => page.line(`lease ${hexId(id)} expired or revoked.`));
    }
    return undefined;
  },
});

function renew(session: Session, ID: bigint, timeoutMs: number): Promise<LeaseKeepAliveResponse> {
  return session.client.call(renewOnce, { ID }, { timeoutMs });
}

async function renewAndFind(session: Session, id: bigint): Promise<LeaseKeepAliveResponse> {
  const answer = await renew(session, id, noTimeout).catch((error: unknown) => {
    if (!(error instanceof ClientError)) throw error;
    throw new CommandFailure(ExitCode.BadConnection, errorText(error), { cause: error });
  });
  if (answer.TTL > 0n) return answer;
  throw new CommandFailure(ExitCode.BadConnection, "etcdserver: requested lease not found");
}

/** Each renewal that is confirmed, until the lease is gone, or has to be since nobody confirmed one in its time. */
async function* renewals(session: Session, id: bigint, world: World): AsyncGenerator<LeaseKeepAliveResponse, void> {
  const { clock } = world;
  let aliveUntilMs = Number.POSITIVE_INFINITY;
  for (;;) {
    const sentMs = clock.nowMs();
    let answer: LeaseKeepAliveResponse;
    try {
      answer = await renew(session, id, aliveUntilMs - sentMs);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // Nobody answered while the lease certainly lived: by now it may be gone, and that is all that is known.
      if (error.code === "client/deadline" && aliveUntilMs !== Number.POSITIVE_INFINITY) return;
      throw new CommandFailure(ExitCode.BadConnection, errorText(error), { cause: error });
    }
    if (answer.TTL <= 0n) return;
    yield answer;
    const ttlMs = Number(answer.TTL) * 1_000;
    aliveUntilMs = sentMs + ttlMs;
    await new Promise<void>((resolve) => clock.after(ttlMs / renewalsPerTtl, resolve));
  }
}

function formsOf(answer: LeaseKeepAliveResponse, id: bigint): Forms {
  return {
    simple: (page) => page.line(`lease ${hexId(id)} keepalived with TTL(${answer.TTL})`),
    fields: fieldsBelowHeader(answer.header, (page, options) => {
      page.field("ID", leaseField(answer.ID, options)).field("TTL", answer.TTL);
    }),
    ...leaseForms(answer.header, { ID: answer.ID, TTL: answer.TTL }),
  };
}
