import type { Disk, Logger } from "@quorate/common";
import { type BatchRecords, LogContents } from "./log-contents.js";
import { parseSegmentName, RecordType, segmentHeaderBytes, segmentName } from "./format.js";
import type { LogTail, Segment } from "./segment-log.js";
import { type ReadBatch, SegmentReader } from "./segment-reader.js";
import type { WalEntry } from "./wal.js";
import { ioError, WalError } from "./wal-error.js";

/** What a log holds, and where it ends. */
export type LogReading = Readonly<{
  tail: LogTail;
  entries: readonly WalEntry[];
  /** The entries begin with the first there ever was: no snapshot is needed to understand them. */
  isWhole: boolean;
  /** Set when the last segment ends with a batch that was never finished: everything from `offset` on has to go. */
  torn: Readonly<{ file: string; offset: number; bytes: number; reason: string }> | undefined;
}>;

/** `isWhole`: all entries are wanted, also those that a snapshot covers; what of them is gone is gone. */
type ReadOptions = Readonly<{ directory: string; isWhole?: boolean | undefined }>;

/**
 * Reads a log without changing it.
 * @returns undefined when the directory does not exist or holds no segment.
 * @throws WalError "wal/corrupt", "wal/missing-segment", "wal/foreign", "wal/newer-version", "wal/io".
 */
export function readLog(options: ReadOptions, ports: { disk: Disk; logger: Logger }): LogReading | undefined {
  try {
    return readSegments(options, ports);
  } catch (error) {
    throw ioError("read", options.directory, error);
  }
}

function readSegments(options: ReadOptions, ports: { disk: Disk; logger: Logger }): LogReading | undefined {
  const { disk } = ports;
  if (!disk.exists(options.directory)) return undefined;
  const segments = listSegments(options.directory, ports);
  const newest = segments.at(-1);
  if (newest === undefined) return undefined;
  const pathOf = (segment: Segment): string =>
    `${options.directory}/${segmentName(segment.sequence, segment.firstIndex)}`;
  const last = readSegment(disk, pathOf(newest), newest, { isLast: true });
  const isWhole = options.isWhole === true;
  const needed = isWhole ? 0 : firstNeeded(segments, last);
  const log = new LogContents({ isWhole });
  let previous: ReadSegment | undefined;
  for (const [position, segment] of segments.entries()) {
    if (position < needed) {
      // Not needed, but it may not be foreign or of a newer version either.
      new SegmentReader(disk, pathOf(segment)).close();
      continue;
    }
    const read = segment === newest ? last : readSegment(disk, pathOf(segment), segment, { isLast: false });
    if (previous !== undefined) checkFollows(read, previous);
    for (const batch of read.batches) log.addBatch(read.source, batch);
    previous = read;
  }
  if (isWhole && log.hasAllEntries) {
    return { tail: { segments, ...last.tail, ...log.last() }, entries: log.entries, isWhole, torn: last.torn };
  }
  const entries = log.entriesAfterSnapshot();
  const oldest = segments[0] as Segment;
  if (entries === undefined) throw missingSegment(options.directory, oldest, oldest.sequence - 1);
  return { tail: { segments, ...last.tail, ...log.last() }, entries, isWhole: false, torn: last.torn };
}

/**
 * Where reading has to begin. A segment's name says which index came next when it was begun: one that begins no later than right after the
 * last snapshot has everything that snapshot does not cover.
 */
function firstNeeded(segments: readonly Segment[], last: ReadSegment): number {
  let snapshotIndex = 0;
  for (const { records } of last.batches) {
    for (const { type, index } of records) {
      if (type === RecordType.snapshot || type === RecordType.reset) snapshotIndex = index;
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

/** A segment whose checksums have been compared. */
type ReadSegment = Readonly<{
  source: SegmentReader;
  batches: readonly BatchRecords[];
  tail: Readonly<{ salt: number; offset: number; chain: number; batchNumber: number }>;
  torn: LogReading["torn"];
}>;

function readSegment(disk: Disk, path: string, name: Segment, options: { isLast: boolean }): ReadSegment {
  const source = new SegmentReader(disk, path);
  try {
    const { header } = source;
    if (header.sequence !== name.sequence || header.firstIndex !== name.firstIndex) {
      throw source.corrupt(0, "the segment has another segment's name");
    }
    const batches: BatchRecords[] = [];
    let chain = source.firstChain;
    let offset = segmentHeaderBytes;
    let batchNumber = 0;
    for (;;) {
      const batch = source.readBatch(offset, chain);
      if (batch.kind === "batch") {
        batches.push({ at: offset, records: batch.records });
        ({ chain, end: offset } = batch);
        batchNumber = batch.head.number;
        continue;
      }
      // What a segment begins with was synced before the segment had a name.
      if (batches.length === 0) throw source.corrupt(offset, "the segment's first batch is missing or damaged");
      if (!options.isLast && batch.kind === "broken") throw source.corrupt(batch.at, batch.reason);
      const torn = options.isLast ? tornTail(source, offset, batch) : undefined;
      return { source, batches, tail: { salt: header.salt, offset, chain, batchNumber }, torn };
    }
  } finally {
    source.close();
  }
}

function checkFollows(read: ReadSegment, { source, tail }: ReadSegment): void {
  const { header } = read.source;
  if (header.previousChain === tail.chain && header.previousEnd === tail.offset) return;
  throw source.corrupt(tail.offset, "the segment is not what the one after it goes on from");
}

/** Decides whether what follows the last whole batch was never finished, or was damaged later. */
function tornTail(reader: SegmentReader, at: number, batch: Exclude<ReadBatch, { kind: "batch" }>): LogReading["torn"] {
  if (batch.kind === "end") return undefined;
  if (reader.wasSyncedAt(at)) throw reader.corrupt(batch.at, batch.reason);
  if (!reader.looksTorn(at, batch.claimedEnd)) throw reader.corrupt(batch.at, batch.reason);
  return { file: reader.path, offset: at, bytes: reader.usedBytesFrom(at), reason: batch.reason };
}
