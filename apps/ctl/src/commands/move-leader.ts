import { rpcs } from "@quorate/client";
import { MoveLeaderResponse } from "@quorate/proto";
import { defineCommand } from "../frame/command.js";
import { badArguments, messageForms, parseMemberId } from "./message-forms.js";

export const moveLeader = defineCommand({
  name: "move-leader",
  usage: "<transferee-member-id>",
  short: "Transfers leadership to another etcd cluster member.",
  group: "Cluster maintenance commands",
  async run(context) {
    const [text = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("move-leader command needs 1 argument");
    const target = parseMemberId(text, (why) => why);
    const session = await context.connect();
    const { clock } = context.world;
    const untilMs = clock.nowMs() + context.timeoutMs;
    for (const endpoint of session.endpoints) {
      const { header, leader } = await session.call(rpcs.status, {}, { endpoint, timeoutMs: untilMs - clock.nowMs() });
      if (header?.memberId !== leader) continue;
      const request = { targetID: target };
      const answer = await session.call(rpcs.moveLeader, request, { endpoint, timeoutMs: untilMs - clock.nowMs() });
      return {
        simple: (page) => page.line(`Leadership transferred from ${leader.toString(16)} to ${target.toString(16)}`),
        ...messageForms(MoveLeaderResponse, answer),
      };
    }
    throw badArguments(`no leader endpoint given at [${session.endpoints.join(" ")}]`);
  },
});
