import type { Revision } from "@quorate/common";
import type { Change } from "../mvcc.js";
import { keyEndOf, varintLength, writeVarint } from "../record.js";
import type { WatchBatch } from "./watch-types.js";

// Tags of etcdserverpb.WatchResponse.events (11) and of mvccpb.Event.
const eventsTag = 0x5a;
const typeTag = 0x08;
const kvTag = 0x12;
const prevKvTag = 0x1a;
const deleteType = 1;

/** One change on its way to watchers. Encoded when the first watcher wants it, once with and once without the previous record. */
export class WatchEvent {
  readonly change: Change;
  readonly #onEncode: () => void;
  #plain: Uint8Array | undefined;
  #withPrevious: Uint8Array | undefined;

  constructor(change: Change, onEncode: () => void) {
    this.change = change;
    this.#onEncode = onEncode;
  }

  /** The `events` field with this event alone. */
  bytes(withPrevious: boolean): Uint8Array {
    if (withPrevious) {
      this.#withPrevious ??= this.#encodeWithPrevious();
      return this.#withPrevious;
    }
    this.#plain ??= this.#encode(undefined);
    return this.#plain;
  }

  #encodeWithPrevious(): Uint8Array {
    const { change } = this;
    const previous = change.kind === "put" && isCreation(change.record) ? undefined : change.previous;
    return previous === undefined ? this.bytes(false) : this.#encode(previous);
  }

  #encode(previous: Uint8Array | undefined): Uint8Array {
    this.#onEncode();
    const { kind, record } = this.change;
    let size = 1 + varintLength(record.length) + record.length;
    if (kind === "delete") size += 2;
    if (previous !== undefined) size += 1 + varintLength(previous.length) + previous.length;
    const bytes = Buffer.allocUnsafe(1 + varintLength(size) + size);
    bytes[0] = eventsTag;
    let at = writeVarint(bytes, 1, size);
    if (kind === "delete") {
      bytes[at++] = typeTag;
      bytes[at++] = deleteType;
    }
    at = writeRecord(bytes, at, kvTag, record);
    if (previous !== undefined) writeRecord(bytes, at, prevKvTag, previous);
    return bytes;
  }
}

function writeRecord(bytes: Uint8Array, position: number, tag: number, record: Uint8Array): number {
  bytes[position] = tag;
  const at = writeVarint(bytes, position + 1, record.length);
  bytes.set(record, at);
  return at + record.length;
}

/** True when a put made its key: create_revision, the field after the key, equals mod_revision, the one after that. */
export function isCreation(record: Uint8Array): boolean {
  const create = keyEndOf(record) + 1;
  let length = 1;
  while ((record[create + length - 1] as number) > 127) length += 1;
  const mod = create + length + 1;
  for (let i = 0; i < length; i++) if (record[create + i] !== record[mod + i]) return false;
  return true;
}

/**
 * A list of events that many watchers share. Lists grow by `with`, one event at a time, in the order of the changes; all that add the
 * same event to the same list get the same new list. So watchers with equal needs end up with one batch, at the cost of a pointer
 * each, and nothing has to be compared.
 */
export class EventList implements WatchBatch {
  readonly revision: Revision;
  readonly count: number;
  readonly byteLength: number;
  readonly firstRevision: Revision;
  readonly lastRevision: Revision;
  readonly #withPrevious: boolean;
  readonly #before: EventList | undefined;
  readonly #part: Uint8Array;
  #parts: readonly Uint8Array[] | undefined;
  #bytes: Uint8Array | undefined;
  #nextEvent: WatchEvent | undefined;
  #next: EventList | undefined;

  private constructor(list: { revision: Revision; withPrevious: boolean; before?: EventList; event?: WatchEvent }) {
    const { before, event } = list;
    this.revision = list.revision;
    this.#withPrevious = list.withPrevious;
    this.#before = before !== undefined && before.count > 0 ? before : undefined;
    this.#part = event === undefined ? nothing : event.bytes(list.withPrevious);
    this.count = before === undefined ? 0 : before.count + 1;
    this.byteLength = (before?.byteLength ?? 0) + this.#part.length;
    this.lastRevision = event?.change.revision ?? list.revision;
    this.firstRevision = this.#before?.firstRevision ?? this.lastRevision;
  }

  /** The empty list that others start from. `revision` is for the header. */
  static root(revision: Revision, options: { withPrevious: boolean }): EventList {
    return new EventList({ revision, withPrevious: options.withPrevious });
  }

  /** This list and `event` after it. Calls for one event come together: only the last one asked for is remembered. */
  with(event: WatchEvent): EventList {
    if (this.#next !== undefined && this.#nextEvent === event) return this.#next;
    const next = new EventList({ revision: this.revision, withPrevious: this.#withPrevious, before: this, event });
    this.#nextEvent = event;
    this.#next = next;
    return next;
  }

  get parts(): readonly Uint8Array[] {
    if (this.#parts !== undefined) return this.#parts;
    const parts = new Array<Uint8Array>(this.count);
    let list: EventList | undefined = this;
    for (let i = this.count - 1; list !== undefined; i--, list = list.#before) parts[i] = list.#part;
    this.#parts = parts;
    return parts;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= this.count === 1 ? this.#part : Buffer.concat(this.parts, this.byteLength);
    return this.#bytes;
  }
}

const nothing = new Uint8Array(0);
