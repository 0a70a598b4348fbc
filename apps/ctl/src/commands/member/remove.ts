import { rpcs } from "@quorate/client";
import { MemberPromoteResponse, MemberRemoveResponse } from "@quorate/proto";
import { defineCommand } from "../../frame/command.js";
import { badArguments, messageForms, parseMemberId } from "../message-forms.js";
import { memberSentence } from "./member-sentence.js";

/** The only argument of commands about one member. @throws CommandFailure, exit code 128 */
export function readMemberId(args: readonly string[]): bigint {
  const [text = ""] = args;
  if (args.length !== 1) throw badArguments("member ID is not provided");
  return parseMemberId(text);
}

export const memberRemove = defineCommand({
  name: "remove",
  usage: "<memberID>",
  short: "Removes a member from the cluster",
  async run(context) {
    const { timeoutMs } = context;
    const ID = readMemberId(context.args);
    const session = await context.connect();
    const answer = await session.call(rpcs.memberRemove, { ID }, { timeoutMs });
    return {
      simple: (page) => page.line(memberSentence(ID, "removed from", answer.header)),
      ...messageForms(MemberRemoveResponse, answer, "as wanted"),
    };
  },
});

export const memberPromote = defineCommand({
  name: "promote",
  usage: "<memberID>",
  short: "Promotes a non-voting member in the cluster",
  long: "Gives a learner a vote. It has to be in step with the leader by then.",
  async run(context) {
    const { timeoutMs } = context;
    const ID = readMemberId(context.args);
    const session = await context.connect();
    const answer = await session.call(rpcs.memberPromote, { ID }, { timeoutMs });
    return {
      simple: (page) => page.line(memberSentence(ID, "promoted in", answer.header)),
      ...messageForms(MemberPromoteResponse, answer, "as wanted"),
    };
  },
});
