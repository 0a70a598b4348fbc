import type { Revision } from "@quorate/common";
import type { KeyRange } from "../../src/key-range.js";
import { bytesFromLatin1 } from "../../src/key-range.js";
import type { Watcher, WatchBatch, WatchRequest, WatchSink } from "../../src/watch/watch-types.js";

/** One event as a client sees it. */
export type SeenEvent = { type: "put" | "delete"; kv: string; previous: string | undefined };

/** What came in, and room for `room` batches more. */
export class FakeSink implements WatchSink<string> {
  room = Number.POSITIVE_INFINITY;
  refused = 0;
  flushes = 0;
  readonly batches: { handle: string; batch: WatchBatch; events: SeenEvent[] }[] = [];
  readonly compactions: { handle: string; revision: number }[] = [];
  onDeliver: ((watcher: Watcher<string>, batch: WatchBatch) => void) | undefined;

  get isFull(): boolean {
    return this.room <= 0;
  }

  deliver(watcher: Watcher<string>, batch: WatchBatch): boolean {
    if (this.isFull) {
      this.refused += 1;
      return false;
    }
    this.room -= 1;
    this.batches.push({ handle: watcher.handle, batch, events: batch.parts.map(decodeEvent) });
    this.onDeliver?.(watcher, batch);
    return true;
  }

  compacted(watcher: Watcher<string>, revision: Revision): void {
    this.compactions.push({ handle: watcher.handle, revision });
  }

  flush(): void {
    this.flushes += 1;
  }

  /** `handle@headerRevision: event event`, for each batch since the last call. */
  take(): string[] {
    return this.batches.splice(0).map(({ handle, batch, events }) => {
      const texts = events.map(
        ({ type, kv, previous }) => `${type} ${kv}${previous === undefined ? "" : ` was ${previous}`}`,
      );
      return `${handle}@${batch.revision}: ${texts.join(", ")}`;
    });
  }
}

/** A request with defaults: the key `a`, from now on, all events, no previous records. */
export function buildRequest(
  sink: FakeSink,
  fields: Partial<WatchRequest<string>> & { start?: number } = {},
): WatchRequest<string> {
  const { start, ...rest } = fields;
  return {
    handle: "w",
    range: keyRange("a"),
    startRevision: start as Revision | undefined,
    filters: { noPut: false, noDelete: false },
    previous: false,
    sink,
    ...rest,
  };
}

export function keyRange(key: string): KeyRange {
  return { kind: "key", key: bytesFromLatin1(key) };
}

export function spanRange(start: string, end?: string): KeyRange {
  return { kind: "span", start: bytesFromLatin1(start), end: end === undefined ? undefined : bytesFromLatin1(end) };
}

type Field = { number: number; value: number | Uint8Array };

/** A reader of protobuf that shares nothing with the code under test. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the message ends inside a field");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if ((tag & 7) === 0) fields.push({ number: tag >> 3, value });
    else if ((tag & 7) === 2) fields.push({ number: tag >> 3, value: bytes.subarray(at, at + value) });
    else throw new Error(`wire type ${tag & 7}`);
    if ((tag & 7) === 2) at += value;
  }
  if (at !== bytes.length) throw new Error("a field ends behind the message");
  return fields;
}

/** Reads one `events` field of a WatchResponse. */
export function decodeEvent(part: Uint8Array): SeenEvent {
  const [field, ...others] = fieldsOf(part);
  if (field?.number !== 11 || others.length > 0) throw new Error("not one events field");
  const event = fieldsOf(field.value as Uint8Array);
  const of = (number: number) => event.find((each) => each.number === number)?.value;
  const previous = of(3);
  return {
    type: of(1) === 1 ? "delete" : "put",
    kv: describeRecord(of(2) as Uint8Array),
    previous: previous === undefined ? undefined : describeRecord(previous as Uint8Array),
  };
}

/** `key=value mod/create/version`, or `key mod` of a deletion. */
export function describeRecord(record: Uint8Array): string {
  const fields = new Map(fieldsOf(record).map(({ number, value }) => [number, value]));
  const text = (number: number): string => Buffer.from((fields.get(number) ?? []) as Uint8Array).toString("latin1");
  if (!fields.has(2)) return `${text(1)} ${fields.get(3)}`;
  return `${text(1)}=${text(5)} ${fields.get(3)}/${fields.get(2)}/${fields.get(4)}`;
}
