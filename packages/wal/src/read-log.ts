import type { Disk, Logger, LogIndex } from "@quorate/common";
import { equalBytes } from "@quorate/common";
import { parseSegmentName, RecordType, segmentHeaderBytes, segmentName } from "./format.js";
import type { LogTail, Segment } from "./segment-log.js";
import { type ReadBatch, type ReadRecord, SegmentReader } from "./segment-reader.js";
import type { WalEntry, WalSnapshot } from "./wal.js";
import { ioError, WalError } from "./wal-error.js";

/** What a log holds, and where it ends. */
export type LogReading = Readonly<{
  tail: LogTail;
  entries: readonly WalEntry[];
  /** Set when the last segment ends with a batch that was never finished: everything from `offset` on has to go. */
  torn: Readonly<{ file: string; offset: number; bytes: number; reason: string }> | undefined;
}>;

/**
 * Reads a log without changing it.
 * @returns undefined when the directory does not exist or holds no segment.
 * @throws WalError "wal/corrupt", "wal/missing-segment", "wal/foreign", "wal/newer-version", "wal/io".
 */
export function readLog(options: { directory: string }, ports: { disk: Disk; logger: Logger }): LogReading | undefined {
  try {
    return readSegments(options, ports);
  } catch (error) {
    throw ioError("read", options.directory, error);
  }
}

function readSegments(options: { directory: string }, ports: { disk: Disk; logger: Logger }): LogReading | undefined {
  const { disk } = ports;
  if (!disk.exists(options.directory)) return undefined;
  const segments = listSegments(options.directory, ports);
  if (segments.length === 0) return undefined;
  const paths = segments.map((segment) => `${options.directory}/${segmentName(segment.sequence, segment.firstIndex)}`);
  const first = firstNeeded(segments, paths, disk);
  const log = new LogContents();
  let previous: { path: string; chain: number; end: number } | undefined;
  for (let position = first; position < segments.length; position++) {
    const path = paths[position] as string;
    const reader = new SegmentReader(disk, path);
    try {
      checkHeader(reader, segments[position] as Segment, previous);
      const isLast = position === segments.length - 1;
      const end = readSegment(reader, log, { isLast });
      previous = { path, ...end };
      if (!isLast) continue;
      const entries = log.entriesAfterSnapshot();
      const oldest = segments[0] as Segment;
      if (entries === undefined) throw missingSegment(options.directory, oldest, oldest.sequence - 1);
      return { tail: log.tail(segments, reader, end), entries, torn: end.torn };
    } finally {
      reader.close();
    }
  }
  return undefined;
}

/**
 * Where reading has to begin. Every segment opens with the last snapshot before it, and its name says which index came next: a segment
 * that begins no later than right after the last segment's opening snapshot has everything that snapshot does not cover.
 * What is left out may still not be foreign or of a newer version.
 */
function firstNeeded(segments: readonly Segment[], paths: readonly string[], disk: Disk): number {
  let snapshotIndex = 0;
  for (let position = segments.length - 1; position >= 0; position--) {
    const reader = new SegmentReader(disk, paths[position] as string);
    try {
      if (position !== segments.length - 1) continue;
      const opening = reader.readBatch(segmentHeaderBytes, reader.firstChain);
      if (opening.kind !== "batch") return 0;
      for (const record of opening.records) if (record.type === RecordType.snapshot) snapshotIndex = record.index;
    } finally {
      reader.close();
    }
  }
  let first = segments.length - 1;
  while (first > 0 && (segments[first] as Segment).firstIndex > snapshotIndex + 1) first -= 1;
  return first;
}

function listSegments(directory: string, ports: { disk: Disk; logger: Logger }): Segment[] {
  const segments: Segment[] = [];
  for (const name of ports.disk.list(directory)) {
    const parsed = parseSegmentName(name);
    if (parsed !== undefined) segments.push(parsed);
    else if (!name.endsWith(".tmp")) ports.logger.warn("ignored file in WAL directory", { path: name });
  }
  segments.sort((a, b) => a.sequence - b.sequence);
  for (const [position, segment] of segments.entries()) {
    const expected = (segments[0] as Segment).sequence + position;
    if (segment.sequence !== expected) throw missingSegment(directory, segment, expected);
  }
  return segments;
}

function missingSegment(directory: string, follower: Segment, sequence: number): WalError {
  const file = `${directory}/${segmentName(follower.sequence, follower.firstIndex)}`;
  return new WalError({ code: "wal/missing-segment", file, sequence });
}

function checkHeader(
  reader: SegmentReader,
  name: Segment,
  previous: { path: string; chain: number; end: number } | undefined,
): void {
  const { header } = reader;
  if (header.sequence !== name.sequence || header.firstIndex !== name.firstIndex) {
    throw reader.corrupt(0, "the segment has another segment's name");
  }
  if (previous === undefined) return;
  if (header.previousChain !== previous.chain || header.previousEnd !== previous.end) {
    const reason = "the segment is not what the one after it goes on from";
    throw new WalError({ code: "wal/corrupt", file: previous.path, offset: previous.end, reason });
  }
}

type SegmentEnd = { chain: number; end: number; batchNumber: number; torn: LogReading["torn"] };

function readSegment(reader: SegmentReader, log: LogContents, options: { isLast: boolean }): SegmentEnd {
  let chain = reader.firstChain;
  let at = segmentHeaderBytes;
  let batchNumber = 0;
  for (;;) {
    const batch = reader.readBatch(at, chain);
    if (batch.kind === "batch") {
      if (at === segmentHeaderBytes) log.open(reader, batch.records);
      else for (const record of batch.records) log.add(reader, at, record);
      ({ chain, end: at } = batch);
      batchNumber = batch.head.number;
      continue;
    }
    // What a segment begins with was synced before the segment had a name.
    if (at === segmentHeaderBytes) throw reader.corrupt(at, "the segment's first batch is missing or damaged");
    if (!options.isLast && batch.kind === "broken") throw reader.corrupt(batch.at, batch.reason);
    const torn = options.isLast ? tornTail(reader, at, batch) : undefined;
    return { chain, end: at, batchNumber, torn };
  }
}

/** Decides whether what follows the last whole batch was never finished, or was damaged later. */
function tornTail(reader: SegmentReader, at: number, batch: Exclude<ReadBatch, { kind: "batch" }>): LogReading["torn"] {
  if (batch.kind === "end") return undefined;
  if (reader.wasSyncedAt(at)) throw reader.corrupt(batch.at, batch.reason);
  if (!reader.looksTorn(at, batch.claimedEnd)) throw reader.corrupt(batch.at, batch.reason);
  return { file: reader.path, offset: at, bytes: reader.usedBytesFrom(at), reason: batch.reason };
}

/** What the records say together. */
class LogContents {
  #metadata: Uint8Array | undefined;
  #state: Uint8Array | undefined;
  #snapshot: WalSnapshot | undefined;
  #entries: WalEntry[] = [];
  #lastIndex: LogIndex | undefined;

  /** The first batch of a segment repeats what the segments before it say. */
  open(reader: SegmentReader, records: readonly ReadRecord[]): void {
    // The first segment that is read says where its entries begin.
    this.#lastIndex ??= Math.max(0, reader.header.firstIndex - 1) as LogIndex;
    for (const record of records) {
      if (record.type === RecordType.metadata) this.#setMetadata(reader, record.data);
      else this.add(reader, segmentHeaderBytes, record);
    }
    if (this.#metadata === undefined) throw reader.corrupt(segmentHeaderBytes, "the segment has no metadata");
  }

  add(reader: SegmentReader, at: number, record: ReadRecord): void {
    switch (record.type) {
      case RecordType.entry:
        this.#addEntry(reader, at, record);
        return;
      case RecordType.state:
        this.#state = record.data.slice();
        return;
      case RecordType.snapshot:
        this.#addSnapshot(record);
        return;
      default:
        throw reader.corrupt(at, `a record has the unknown type ${record.type}`);
    }
  }

  tail(segments: readonly Segment[], reader: SegmentReader, end: SegmentEnd): LogTail {
    return {
      segments,
      salt: reader.header.salt,
      offset: end.end,
      chain: end.chain,
      batchNumber: end.batchNumber,
      lastIndex: this.#lastIndex ?? (0 as LogIndex),
      metadata: this.#metadata as Uint8Array,
      state: this.#state,
      snapshot: this.#snapshot,
    };
  }

  /** @returns undefined when entries right after the snapshot are gone. */
  entriesAfterSnapshot(): readonly WalEntry[] | undefined {
    this.#dropCovered();
    const [first] = this.#entries;
    const needed = (this.#snapshot?.index ?? 0) + 1;
    return first !== undefined && first.index > needed ? undefined : this.#entries;
  }

  #addEntry(reader: SegmentReader, at: number, record: ReadRecord): void {
    const { index, data } = record;
    const last = this.#lastIndex as LogIndex;
    if (index > last + 1 || index === 0) throw reader.corrupt(at, `entry ${index} follows entry ${last}`);
    if (index <= last) {
      const first = this.#entries[0]?.index ?? index;
      this.#entries.length = Math.max(0, Math.min(this.#entries.length, index - first));
    }
    this.#entries.push({ index, data });
    this.#lastIndex = index;
  }

  #addSnapshot(record: ReadRecord): void {
    this.#snapshot = { index: record.index, data: record.data.slice() };
    if (this.#lastIndex === undefined || record.index > this.#lastIndex) {
      // The snapshot came from elsewhere: the log goes on behind it.
      this.#lastIndex = record.index;
      this.#entries = [];
    }
    if (this.#entries.length > 0) this.#dropCovered();
  }

  #dropCovered(): void {
    const covered = this.#snapshot?.index ?? 0;
    const first = this.#entries[0]?.index;
    if (first === undefined || first > covered) return;
    this.#entries = this.#entries.slice(covered - first + 1);
  }

  #setMetadata(reader: SegmentReader, metadata: Uint8Array): void {
    if (this.#metadata !== undefined && !equalBytes(this.#metadata, metadata)) {
      throw reader.corrupt(segmentHeaderBytes, "the segment belongs to another log");
    }
    this.#metadata = metadata.slice();
  }
}
