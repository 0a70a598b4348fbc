import { assert, assertNever, type LogIndex, type MemberId, type Term } from "@quorate/common";
import type { Entry, EntryId, ProposedEntry } from "../entry.js";
import type { AppendRejection, RaftMessage } from "../message.js";
import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import { decodeConfChange } from "./conf-change-codec.js";
import {
  readEntries,
  readEntryKind,
  readSnapshot,
  readVersion,
  writeEntries,
  writeEntryKind,
  writeSnapshot,
} from "./entry-codec.js";
import { formatVersion } from "./format.js";

/** The place of a kind is its number on the wire: add at the end, never move. */
const kinds = [
  "append",
  "append-response",
  "vote",
  "pre-vote",
  "vote-response",
  "pre-vote-response",
  "snapshot",
  "heartbeat",
  "heartbeat-response",
  "timeout-now",
  "transfer",
  "propose",
  "read-index",
  "read-index-response",
] as const satisfies RaftMessage["kind"][];

/** Format and kind, and four numbers. */
const appendHeadBytesMax = 2 + 4 * 8;

/** One message between members, without who sends it to whom. */
export function encodeMessage(message: RaftMessage): Uint8Array {
  const writer = new ByteWriter(capacityFor(message));
  writer.byte(formatVersion);
  writer.byte(kinds.indexOf(message.kind));
  writeBody(writer, message);
  return writer.finish();
}

/**
 * Encodes messages as `encodeMessage` does. A leader gives the same list of entries to all followers that are equally far; its bytes
 * are made once and copied.
 */
export class MessageEncoder {
  #entries: readonly Entry[] | undefined;
  #bytes: Uint8Array = new Uint8Array(0);

  encode(message: RaftMessage): Uint8Array {
    if (message.kind !== "append" || message.entries.length === 0) return encodeMessage(message);
    const entries = this.#encodeEntries(message);
    const writer = new ByteWriter(entries.length + appendHeadBytesMax);
    writeHead(writer, message);
    writer.raw(entries);
    return writer.finish();
  }

  /** The same bytes in pieces. The last one may be part of messages to other members as well: nobody may change it. */
  encodeParts(message: RaftMessage): readonly Uint8Array[] {
    if (message.kind !== "append" || message.entries.length === 0) return [encodeMessage(message)];
    const writer = new ByteWriter(appendHeadBytesMax);
    writeHead(writer, message);
    return [writer.finish(), this.#encodeEntries(message)];
  }

  #encodeEntries(message: Extract<RaftMessage, { kind: "append" }>): Uint8Array {
    if (message.entries !== this.#entries) {
      const writer = new ByteWriter(capacityFor(message));
      writeEntries(writer, message.entries);
      this.#bytes = writer.finish();
      this.#entries = message.entries;
    }
    return this.#bytes;
  }
}

function writeHead(writer: ByteWriter, message: Extract<RaftMessage, { kind: "append" }>): void {
  writer.byte(formatVersion);
  writer.byte(kinds.indexOf(message.kind));
  writer.varint(message.term);
  writeEntryId(writer, message.previous);
  writer.varint(message.commit);
}

function capacityFor(message: RaftMessage): number {
  if (message.kind === "snapshot") return message.snapshot.data.length + 256;
  if (message.kind !== "append" && message.kind !== "propose") return 64;
  let bytes = 64;
  for (const entry of message.entries) bytes += entry.data.length + 14;
  return bytes;
}

function writeBody(writer: ByteWriter, message: RaftMessage): void {
  if ("term" in message) writer.varint(message.term);
  switch (message.kind) {
    case "append":
      writeEntryId(writer, message.previous);
      writer.varint(message.commit);
      writeEntries(writer, message.entries);
      return;
    case "append-response":
      writer.varint(message.index);
      writeRejection(writer, message.rejection);
      return;
    case "vote":
      writeEntryId(writer, message.last);
      writer.byte(message.isTransfer ? 1 : 0);
      return;
    case "pre-vote":
      writeEntryId(writer, message.last);
      return;
    case "vote-response":
    case "pre-vote-response":
      writer.byte(message.isGranted ? 1 : 0);
      return;
    case "snapshot":
      writeSnapshot(writer, message.snapshot);
      return;
    case "heartbeat":
      writer.varint(message.commit);
      writeRead(writer, message.read);
      return;
    case "heartbeat-response":
      writeRead(writer, message.read);
      return;
    case "timeout-now":
      return;
    case "transfer":
      writer.id(message.transferee);
      return;
    case "propose":
      writeProposed(writer, message.entries);
      return;
    case "read-index":
      writer.bytes(message.context);
      return;
    case "read-index-response":
      writer.varint(message.index);
      writer.bytes(message.context);
      return;
    default:
      assertNever(message, "message");
      return;
  }
}

/** Reads what `encodeMessage` wrote; bytes in it are views. @throws RaftError "raft/malformed". */
export function decodeMessage(bytes: Uint8Array): RaftMessage {
  const reader = new ByteReader(bytes, "message");
  readVersion(reader);
  const kind = reader.choice(kinds);
  const message = readBody(reader, kind);
  reader.end();
  return message;
}

function readBody(reader: ByteReader, kind: RaftMessage["kind"]): RaftMessage {
  switch (kind) {
    case "propose":
      return { kind, entries: readProposed(reader) };
    case "read-index":
      return { kind, context: reader.bytes() };
    default:
      return readTermedBody(reader, kind, reader.varint() as Term);
  }
}

function readTermedBody(
  reader: ByteReader,
  kind: Exclude<RaftMessage["kind"], "propose" | "read-index">,
  term: Term,
): RaftMessage {
  switch (kind) {
    case "append": {
      const previous = readEntryId(reader);
      const commit = reader.varint() as LogIndex;
      return { kind, term, previous, commit, entries: readEntries(reader, previous.index) };
    }
    case "append-response":
      return { kind, term, index: reader.varint() as LogIndex, rejection: readRejection(reader) };
    case "vote":
      return { kind, term, last: readEntryId(reader), isTransfer: reader.choice([false, true]) };
    case "pre-vote":
      return { kind, term, last: readEntryId(reader) };
    case "vote-response":
    case "pre-vote-response":
      return { kind, term, isGranted: reader.choice([false, true]) };
    case "snapshot":
      return { kind, term, snapshot: readSnapshot(reader) };
    case "heartbeat":
      return { kind, term, commit: reader.varint() as LogIndex, read: readRead(reader) };
    case "heartbeat-response":
      return { kind, term, read: readRead(reader) };
    case "timeout-now":
      return { kind, term };
    case "transfer":
      return { kind, term, transferee: reader.id() as MemberId };
    case "read-index-response":
      return { kind, term, index: reader.varint() as LogIndex, context: reader.bytes() };
    default:
      return assertNever(kind, "kind of message");
  }
}

function writeEntryId(writer: ByteWriter, id: EntryId): void {
  writer.varint(id.term);
  writer.varint(id.index);
}

function readEntryId(reader: ByteReader): EntryId {
  const term = reader.varint() as Term;
  return { index: reader.varint() as LogIndex, term };
}

/** 0: accepted. 1: refused without a term. From 2 on: refused, the term plus 2. */
function writeRejection(writer: ByteWriter, rejection: AppendRejection | undefined): void {
  if (rejection === undefined) {
    writer.varint(0);
    return;
  }
  writer.varint(rejection.hintTerm === undefined ? 1 : rejection.hintTerm + 2);
  writer.varint(rejection.hint);
}

function readRejection(reader: ByteReader): AppendRejection | undefined {
  const mark = reader.varint();
  if (mark === 0) return undefined;
  return { hint: reader.varint() as LogIndex, hintTerm: mark === 1 ? undefined : ((mark - 2) as Term) };
}

/** Reads are numbered from 1: 0 is none. */
function writeRead(writer: ByteWriter, read: number | undefined): void {
  assert(read !== 0, "reads are numbered from 1");
  writer.varint(read ?? 0);
}

function readRead(reader: ByteReader): number | undefined {
  const read = reader.varint();
  return read === 0 ? undefined : read;
}

function writeProposed(writer: ByteWriter, entries: readonly ProposedEntry[]): void {
  writer.varint(entries.length);
  for (const { kind, data } of entries) {
    writeEntryKind(writer, kind);
    writer.bytes(data);
  }
}

function readProposed(reader: ByteReader): readonly ProposedEntry[] {
  const count = reader.count(2);
  if (count === 0) reader.fail("a proposal without entries");
  const entries: ProposedEntry[] = [];
  for (let i = 0; i < count; i++) {
    const kind = readEntryKind(reader);
    const data = reader.bytes();
    // A leader reads the conf changes it is asked to carry: what it cannot read must not get as far as its log.
    if (kind !== "normal") decodeConfChange(kind, data);
    entries.push({ kind, data });
  }
  return entries;
}
