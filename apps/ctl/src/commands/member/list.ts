import { rpcs } from "@quorate/client";
import { type Member, MemberListResponse } from "@quorate/proto";
import { CommandFailure } from "../../command-failure.js";
import { ExitCode } from "../../exit-codes.js";
import { defineCommand } from "../../frame/command.js";
import { fieldsBelowHeader, messageForms } from "../message-forms.js";

export const memberList = defineCommand({
  name: "list",
  short: "Lists all members in the cluster",
  long: `When --write-out is set to simple, this command prints a line for each member.
The items in it are ID, Status, Name, Peer Addrs, Client Addrs, Is Learner.`,
  flags: { consistency: { kind: "string", default: "l", help: "Linearizable(l) or Serializable(s)" } },
  async run(context) {
    const { timeoutMs } = context;
    const { consistency } = context.flags;
    if (consistency !== "l" && consistency !== "s") {
      // etcdctl names the default, whatever was given.
      throw new CommandFailure(ExitCode.BadFeature, 'unknown consistency flag "l"');
    }
    const session = await context.connect();
    const answer = await session.call(rpcs.memberList, { linearizable: consistency === "l" }, { timeoutMs });
    return {
      simple(page) {
        for (const one of answer.members) page.line(rowOf(one).join(", "));
      },
      table: () => ({
        header: ["ID", "Status", "Name", "Peer Addrs", "Client Addrs", "Is Learner"],
        rows: answer.members.map(rowOf),
      }),
      fields: fieldsBelowHeader(answer.header, (page, { isHex }) => {
        for (const { ID, name, peerURLs, clientURLs, isLearner } of answer.members) {
          page.field("ID", isHex ? ID.toString(16) : ID).quotedField("Name", name);
          for (const url of peerURLs) page.quotedField("PeerURL", url);
          for (const url of clientURLs) page.quotedField("ClientURL", url);
          page.field("IsLearner", isLearner).line();
        }
      }),
      ...messageForms(MemberListResponse, answer, "as wanted"),
    };
  },
});

function rowOf({ ID, name, peerURLs, clientURLs, isLearner }: Member): string[] {
  const status = name === "" ? "unstarted" : "started";
  return [ID.toString(16), status, name, peerURLs.join(","), clientURLs.join(","), String(isLearner)];
}
