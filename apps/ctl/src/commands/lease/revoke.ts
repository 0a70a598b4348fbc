import { rpcs } from "@quorate/client";
import { LeaseRevokeResponse } from "@quorate/proto";
import { CommandFailure } from "../../command-failure.js";
import { ExitCode } from "../../exit-codes.js";
import { defineCommand } from "../../frame/command.js";
import { hexId } from "../../output/pairs.js";
import { parseLeaseId } from "../lease-id.js";
import { badArguments, doneForms } from "../message-forms.js";
import { leaseFailure } from "./lease-forms.js";

export const leaseRevoke = defineCommand({
  name: "revoke",
  usage: "<leaseID>",
  short: "Revokes leases",
  long: "Ends a lease and deletes the keys that are attached to it.",
  async run(context) {
    const { timeoutMs } = context;
    const [text = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("lease revoke command needs 1 argument");
    const ID = parseLeaseId(text, "lease ID arg");
    const session = await context.connect();
    const answer = await session.call(rpcs.leaseRevoke, { ID }, { timeoutMs }).catch((error: unknown) => {
      throw leaseFailure(error, "failed to revoke lease");
    });
    return {
      ...doneForms(LeaseRevokeResponse, answer, `lease ${hexId(ID)} revoked`),
      // etcdctl does not know how to encode this one answer.
      protobuf() {
        throw new CommandFailure(ExitCode.BadFeature, "marshal unsupported for type clientv3.LeaseRevokeResponse");
      },
    };
  },
});
