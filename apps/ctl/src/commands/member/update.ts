import { rpcs } from "@quorate/client";
import { MemberUpdateResponse } from "@quorate/proto";
import { defineCommand } from "../../frame/command.js";
import { badArguments, messageForms } from "../message-forms.js";
import { memberSentence } from "./member-sentence.js";
import { checkPeerUrls } from "./peer-urls.js";
import { readMemberId } from "./remove.js";

export const memberUpdate = defineCommand({
  name: "update",
  usage: "<memberID> [options]",
  short: "Updates a member in the cluster",
  long: "Changes the peer URLs of a member.",
  flags: { "peer-urls": { kind: "string", help: "comma separated peer URLs of the member from now on" } },
  async run(context) {
    const { timeoutMs } = context;
    const ID = readMemberId(context.args);
    const { "peer-urls": peerUrls } = context.flags;
    if (peerUrls === "") throw badArguments("member peer urls not provided");
    const session = await context.connect();
    const answer = await session.call(rpcs.memberUpdate, { ID, peerURLs: checkPeerUrls(peerUrls) }, { timeoutMs });
    return {
      simple: (page) => page.line(memberSentence(ID, "updated in", answer.header)),
      ...messageForms(MemberUpdateResponse, answer, "as wanted"),
    };
  },
});
