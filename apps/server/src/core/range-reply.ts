import type { RangeResult } from "@quorate/mvcc";
import { MessageBuilder } from "./reply-writer.js";

const field = { kvs: 2, more: 3, count: 4 } as const;

/**
 * Encodes a `RangeResponse`. The store's records are `mvccpb.KeyValue` already and go in as they are.
 * @param header field 1 of the message, encoded.
 */
export function encodeRangeReply(header: Uint8Array, result: RangeResult): Uint8Array {
  const message = builder.raw(header);
  for (const record of result.records) message.bytes(field.kvs, record);
  return message.flag(field.more, result.more).number(field.count, result.count).take();
}

/** The records of one piece of a range, without header and end. */
export function encodeRecords(records: readonly Uint8Array[]): Uint8Array {
  for (const record of records) builder.bytes(field.kvs, record);
  return builder.take();
}

/** What follows the records of a range: whether there are more, and how many the whole range has. */
export function encodeRangeEnd(more: boolean, count: number): Uint8Array {
  return builder.flag(field.more, more).number(field.count, count).take();
}

// Every use takes what it wrote before it returns, so one is enough.
const builder = new MessageBuilder();
