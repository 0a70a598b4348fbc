import type { LogIndex, MemberId, Term } from "@quorate/common";
import type { ConfState, Snapshot, SnapshotMetadata } from "../conf-change.js";
import type { Entry, EntryKind, HardState } from "../entry.js";
import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import { readConfState, writeConfState } from "./conf-change-codec.js";
import { encodedEntryBytes, putEntry } from "./entry-encoder.js";
import { entryKinds, formatVersion } from "./format.js";

/** One entry by itself, as a log stores it, in a buffer of its own: what is left after the head is the data. */
export function encodeEntry(entry: Entry): Uint8Array {
  const bytes = new Uint8Array(encodedEntryBytes(entry));
  putEntry(bytes, 0, entry);
  return bytes;
}

/** Reads what `encodeEntry` wrote; `data` is a view. @throws RaftError "raft/malformed". */
export function decodeEntry(bytes: Uint8Array): Entry {
  const reader = new ByteReader(bytes, "entry");
  readVersion(reader);
  const kind = reader.choice(entryKinds);
  const term = reader.varint() as Term;
  const index = reader.varint() as LogIndex;
  return { index, term, kind, data: reader.raw(reader.left) };
}

/** The hard state, as a log stores it. */
export function encodeHardState(hardState: HardState): Uint8Array {
  const writer = new ByteWriter(32);
  writer.byte(formatVersion);
  writer.varint(hardState.term);
  writer.varint(hardState.commit);
  // 0 is never a member, so it can stand for "no vote" here.
  writer.id(hardState.vote ?? 0n);
  return writer.finish();
}

/** Reads what `encodeHardState` wrote. @throws RaftError "raft/malformed". */
export function decodeHardState(bytes: Uint8Array): HardState {
  const reader = new ByteReader(bytes, "hard state");
  readVersion(reader);
  const term = reader.varint() as Term;
  const commit = reader.varint() as LogIndex;
  const vote = reader.id();
  reader.end();
  return { term, vote: vote === 0n ? undefined : (vote as MemberId), commit };
}

/** A configuration by itself. */
export function encodeConfState(confState: ConfState): Uint8Array {
  const writer = new ByteWriter(64);
  writer.byte(formatVersion);
  writeConfState(writer, confState);
  return writer.finish();
}

/** Reads what `encodeConfState` wrote. @throws RaftError "raft/malformed". */
export function decodeConfState(bytes: Uint8Array): ConfState {
  const reader = new ByteReader(bytes, "configuration");
  readVersion(reader);
  const confState = readConfState(reader);
  reader.end();
  return confState;
}

/** Where a snapshot stands, without its data: what a log records of it. */
export function encodeSnapshotMetadata(metadata: SnapshotMetadata): Uint8Array {
  const writer = new ByteWriter(64);
  writer.byte(formatVersion);
  writeSnapshotMetadata(writer, metadata);
  return writer.finish();
}

/** Reads what `encodeSnapshotMetadata` wrote. @throws RaftError "raft/malformed". */
export function decodeSnapshotMetadata(bytes: Uint8Array): SnapshotMetadata {
  const reader = new ByteReader(bytes, "snapshot metadata");
  readVersion(reader);
  const metadata = readSnapshotMetadata(reader);
  reader.end();
  return metadata;
}

function writeSnapshotMetadata(writer: ByteWriter, metadata: SnapshotMetadata): void {
  writer.varint(metadata.term);
  writer.varint(metadata.index);
  writeConfState(writer, metadata.confState);
}

function readSnapshotMetadata(reader: ByteReader): SnapshotMetadata {
  const term = reader.varint() as Term;
  const index = reader.varint() as LogIndex;
  return { index, term, confState: readConfState(reader) };
}

/** Appends a snapshot with its data. */
export function writeSnapshot(writer: ByteWriter, snapshot: Snapshot): void {
  writeSnapshotMetadata(writer, snapshot);
  writer.bytes(snapshot.data);
}

/** Reads what `writeSnapshot` wrote; `data` is a view. */
export function readSnapshot(reader: ByteReader): Snapshot {
  const metadata = readSnapshotMetadata(reader);
  return { ...metadata, data: reader.bytes() };
}

/** Appends entries that follow the one at `previous` in a log: their indexes are not written. */
export function writeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.varint(entries.length);
  for (const entry of entries) {
    writer.byte(entryKinds.indexOf(entry.kind));
    writer.varint(entry.term);
    writer.bytes(entry.data);
  }
}

/** Reads what `writeEntries` wrote; `data` are views. */
export function readEntries(reader: ByteReader, previous: LogIndex): readonly Entry[] {
  const count = reader.count(3);
  if (!Number.isSafeInteger(previous + count)) reader.fail("an index is too large");
  const entries: Entry[] = [];
  for (let i = 1; i <= count; i++) {
    const kind = reader.choice(entryKinds);
    const term = reader.varint() as Term;
    entries.push({ index: (previous + i) as LogIndex, term, kind, data: reader.bytes() });
  }
  return entries;
}

/** Appends the kind of an entry. */
export function writeEntryKind(writer: ByteWriter, kind: EntryKind): void {
  writer.byte(entryKinds.indexOf(kind));
}

/** Reads the kind of an entry. */
export function readEntryKind(reader: ByteReader): EntryKind {
  return reader.choice(entryKinds);
}

/** The first byte of everything. */
export function readVersion(reader: ByteReader): void {
  const version = reader.byte();
  if (version !== formatVersion) reader.fail(`format version ${version} is not ${formatVersion}`, 0);
}
