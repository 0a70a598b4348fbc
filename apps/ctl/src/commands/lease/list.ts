import { rpcs } from "@quorate/client";
import { noTimeout } from "../../connection/session.js";
import { defineCommand } from "../../frame/command.js";
import { hexId } from "../../output/pairs.js";
import { fieldsBelowHeader } from "../message-forms.js";
import { leaseField, leaseForms, leaseQuestionFailure } from "./lease-forms.js";

export const leaseList = defineCommand({
  name: "list",
  short: "List all active leases",
  async run(context) {
    const session = await context.connect();
    const answer = await session.call(rpcs.leaseLeases, {}, { timeoutMs: noTimeout }).catch((error: unknown) => {
      throw leaseQuestionFailure(error);
    });
    const ids = answer.leases.map((lease) => lease.ID);
    return {
      simple(page) {
        page.line(`found ${ids.length} leases`);
        for (const id of ids) page.line(hexId(id));
      },
      fields: fieldsBelowHeader(answer.header, (page, options) => {
        for (const id of ids) page.field("ID", leaseField(id, options));
      }),
      ...leaseForms(answer.header, { leases: ids.map((id) => ({ id })) }),
    };
  },
});
