import { rpcs } from "@quorate/client";
import { type AlarmMember, AlarmRequest_AlarmAction, AlarmResponse, AlarmType } from "@quorate/proto";
import { defineCommand } from "../frame/command.js";
import type { Forms } from "../output/forms.js";
import { badArguments, fieldsBelowHeader, messageForms } from "./message-forms.js";

const alarmList = defineCommand({
  name: "list",
  short: "Lists all alarms",
  async run(context) {
    const { timeoutMs } = context;
    if (context.args.length > 0) throw badArguments("alarm list command accepts no arguments");
    const session = await context.connect();
    const request = { action: AlarmRequest_AlarmAction.GET };
    return formsOf(await session.call(rpcs.alarmList, request, { timeoutMs }));
  },
});

const alarmDisarm = defineCommand({
  name: "disarm",
  short: "Disarms all alarms",
  async run(context) {
    const { timeoutMs } = context;
    if (context.args.length > 0) throw badArguments("alarm disarm command accepts no arguments");
    const session = await context.connect();
    const untilMs = context.world.clock.nowMs() + timeoutMs;
    const request = { action: AlarmRequest_AlarmAction.GET };
    const { alarms } = await session.call(rpcs.alarmList, request, { timeoutMs });
    const ended: AlarmMember[] = [];
    for (const { memberID, alarm } of alarms) {
      const leftMs = untilMs - context.world.clock.nowMs();
      const one = { action: AlarmRequest_AlarmAction.DEACTIVATE, memberID, alarm };
      // To end an alarm twice does no harm.
      const answer = await session.call(rpcs.alarm, one, { timeoutMs: leftMs, retryWrites: "always" });
      ended.push(...answer.alarms);
    }
    return formsOf(AlarmResponse.create({ alarms: ended }));
  },
});

export const alarm = defineCommand({
  name: "alarm",
  short: "Alarm related commands",
  group: "Cluster maintenance commands",
  commands: [alarmDisarm, alarmList],
});

function formsOf(answer: AlarmResponse): Forms {
  return {
    simple(page) {
      for (const one of answer.alarms) page.line(textForm(one));
    },
    fields: fieldsBelowHeader(answer.header, (page, { isHex }) => {
      for (const { memberID, alarm: kind } of answer.alarms) {
        page
          .field("MemberID", isHex ? memberID.toString(16) : memberID)
          .field("AlarmType", alarmName(kind))
          .line();
      }
    }),
    ...messageForms(AlarmResponse, answer),
  };
}

/** Protobuf's text form: defaults are left out. */
function textForm({ memberID, alarm: kind }: AlarmMember): string {
  const parts = [];
  if (memberID !== 0n) parts.push(`memberID:${memberID}`);
  if (kind !== AlarmType.NONE) parts.push(`alarm:${alarmName(kind)}`);
  return parts.join("  ");
}

function alarmName(kind: number): string {
  return Object.entries(AlarmType).find(([, number]) => number === kind)?.[0] ?? String(kind);
}
