import type { MemberId, Term } from "@quorate/common";
import type { StoreSize } from "@quorate/mvcc";
import { type AlarmMember, AlarmType, DowngradeInfo } from "@quorate/proto";
import { MessageBuilder } from "./reply-writer.js";

/** What `Status` tells besides the store and the alarms. `header` is field 1 of the answer. */
export type StatusFacts = Readonly<{
  header: Uint8Array;
  version: string;
  storageVersion: string;
  leader: MemberId | undefined;
  commitIndex: number;
  appliedIndex: number;
  term: Term;
  quotaBytes: number;
  isLearner: boolean;
}>;

/** The encoded `StatusResponse`. */
export function encodeStatus(size: StoreSize, alarms: readonly AlarmMember[], facts: StatusFacts): Uint8Array {
  const message = new MessageBuilder()
    .raw(facts.header)
    .bytes(2, Buffer.from(facts.version))
    .number(3, size.totalBytes)
    .wide(4, facts.leader ?? 0n)
    .number(5, facts.commitIndex)
    .number(6, facts.term)
    .number(7, facts.appliedIndex);
  if (facts.leader === undefined) message.bytes(8, Buffer.from("etcdserver: no leader"));
  for (const alarm of alarms) message.bytes(8, Buffer.from(describeAlarm(alarm)));
  message.number(9, size.inUseBytes).flag(10, facts.isLearner);
  if (facts.storageVersion !== "") message.bytes(11, Buffer.from(facts.storageVersion));
  return message.wide(12, BigInt(facts.quotaBytes)).bytes(13, DowngradeInfo.encode({})).take();
}

/** An alarm in protobuf's text form, as etcd 3.7.1 shows it: with two blanks between the fields. */
function describeAlarm(alarm: AlarmMember): string {
  const name = Object.entries(AlarmType).find(([, value]) => value === alarm.alarm)?.[0] ?? String(alarm.alarm);
  return alarm.memberID === 0n ? `alarm:${name}` : `memberID:${alarm.memberID}  alarm:${name}`;
}
