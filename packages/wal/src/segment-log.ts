import { assert, type Disk, type DiskFile, type LogIndex } from "@quorate/common";
import { BatchBuffer } from "./batch-buffer.js";
import { crc32c } from "./crc32c.js";
import {
  batchRecordBytes,
  encodeSegmentHeader,
  getUint32,
  getUint53,
  putBatchHead,
  putUint32,
  RecordType,
  recordBytes,
  recordHeaderBytes,
  segmentHeaderBytes,
  segmentName,
} from "./format.js";
import { SpaceAhead } from "./space-ahead.js";
import type { WalSnapshot } from "./wal.js";
import { ioError, type WalError } from "./wal-error.js";

/** A segment on disk. */
export type Segment = Readonly<{ sequence: number; firstIndex: LogIndex }>;

/** Where the next batch goes, and what a new segment has to begin with: all that a writer must know of the past. */
export type LogTail = Readonly<{
  segments: readonly Segment[];
  /** Of the last segment. */
  salt: number;
  offset: number;
  chain: number;
  batchNumber: number;
  lastIndex: LogIndex;
  metadata: Uint8Array;
  state: Uint8Array | undefined;
  snapshot: WalSnapshot | undefined;
}>;

export type SegmentLogOptions = Readonly<{
  directory: string;
  segmentBytesMax: number;
  segmentsKept: number;
  unsafeNoSync: boolean;
  /** Write zeros ahead of the batches, so that a sync need not record new extents. */
  fillAhead: boolean;
}>;

export type SegmentLogPorts = Readonly<{
  disk: Disk;
  monotonicMs: () => number;
  randomUint32: () => number;
  /** Called once; the log does nothing afterwards. */
  failed: (error: WalError) => void;
}>;

/** What a batch cost. One object for all batches: read it before the next. */
export type BatchOutcome = { bytes: number; writeMs: number; syncMs: number | undefined };

/**
 * Writes batches into segments, one at a time: the part of the log that touches the disk. It runs in the log thread, or in the caller's
 * on the `Disk` port of a simulation.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #ports: SegmentLogPorts;
  readonly #ahead: SpaceAhead;
  readonly #metadata: Uint8Array;
  readonly #outcome: BatchOutcome = { bytes: 0, writeMs: 0, syncMs: undefined };
  #segments: Segment[];
  #file: DiskFile;
  #salt: number;
  #offset: number;
  #durable: number;
  #chain: number;
  #batchNumber: number;
  #lastIndex: LogIndex;
  #state: Uint8Array | undefined;
  #snapshot: WalSnapshot | undefined;
  /** Of the last snapshot whose record is durable: without it the entries it covers would be missed. */
  #coveredUpTo: number;
  #releasedUpTo = 0;
  #hasFailed = false;

  /** `last.file` is the last segment, whose bytes up to `tail.offset` have been synced; it has its space up to `last.spaceUpTo`. */
  constructor(
    options: SegmentLogOptions,
    ports: SegmentLogPorts,
    tail: LogTail,
    last: Readonly<{ file: DiskFile; spaceUpTo: number }>,
  ) {
    this.#options = options;
    this.#ports = ports;
    this.#metadata = tail.metadata;
    this.#segments = [...tail.segments];
    this.#file = last.file;
    this.#salt = tail.salt;
    this.#offset = tail.offset;
    this.#durable = tail.offset;
    this.#chain = tail.chain;
    this.#batchNumber = tail.batchNumber;
    this.#lastIndex = tail.lastIndex;
    this.#state = tail.state;
    this.#snapshot = tail.snapshot;
    this.#coveredUpTo = tail.snapshot?.index ?? 0;
    this.#ahead = new SpaceAhead(options, ports.disk);
    this.#ahead.begin(last.file, last.spaceUpTo);
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  /** Bytes used in the last segment. */
  get offset(): number {
    return this.#offset;
  }

  /** Writes one batch. `done` runs when it is as durable as asked; `ready` when the next may be written, after a cut if one was due. */
  write(batch: WrittenBatch, mustSync: boolean, done: (outcome: BatchOutcome) => void, ready: () => void): void {
    if (this.#hasFailed) return;
    const outcome = this.#outcome;
    const began = this.#ports.monotonicMs();
    this.#seal(batch.bytes, batch.used);
    try {
      this.#file.write(this.#offset, [batch.bytes.subarray(0, batch.used)]);
    } catch (error) {
      this.#fail("write", this.#fileName(), error);
      return;
    }
    this.#offset += batch.used;
    outcome.bytes = batch.used;
    const written = this.#ports.monotonicMs();
    outcome.writeMs = written - began;
    outcome.syncMs = undefined;
    const finish = (): void => {
      done(outcome);
      if (this.#offset >= this.#options.segmentBytesMax) this.#cut(ready);
      else ready();
    };
    if (!mustSync || this.#options.unsafeNoSync) {
      finish();
      return;
    }
    this.#sync(() => {
      outcome.syncMs = this.#ports.monotonicMs() - written;
      finish();
    });
  }

  /** Makes everything written durable. */
  sync(done: () => void): void {
    if (this.#hasFailed) return;
    if (this.#durable === this.#offset || this.#options.unsafeNoSync) {
      done();
      return;
    }
    this.#sync(done);
  }

  /** Entries up to there will not be needed: removes what may go, now or when a segment is ended. */
  release(upTo: LogIndex): void {
    this.#releasedUpTo = Math.max(this.#releasedUpTo, upTo);
    this.#purge();
  }

  #purge(): void {
    const upTo = Math.min(this.#releasedUpTo, this.#coveredUpTo);
    if (this.#hasFailed) return;
    while (this.#segments.length > Math.max(1, this.#options.segmentsKept)) {
      const [oldest, second] = this.#segments as [Segment, Segment];
      if (second.firstIndex > upTo + 1) return;
      const path = this.#path(segmentName(oldest.sequence, oldest.firstIndex));
      try {
        // One at a time: a gap between segments would look like a lost one.
        this.#ports.disk.remove(path);
        this.#ports.disk.syncDirectory(this.#options.directory);
      } catch (error) {
        this.#fail("remove", path, error);
        return;
      }
      this.#segments.shift();
    }
  }

  /** Whether preparing space has fallen behind the batches. */
  get isSpaceShort(): boolean {
    return this.#ahead.isShort(this.#offset);
  }

  /** Prepares one slice of the space that batches will need. @returns whether there is more to prepare. */
  prepareSpace(): boolean {
    if (this.#hasFailed) return false;
    try {
      return this.#ahead.prepareSlice(this.#offset);
    } catch (error) {
      this.#fail("prepare", this.#fileName(), error);
      return false;
    }
  }

  /** Lets go of the files. */
  close(): void {
    this.#ahead.close();
    this.#file.close();
    this.#hasFailed = true;
  }

  #sync(done: () => void): void {
    const upTo = this.#offset;
    const covered = this.#snapshot?.index ?? 0;
    this.#file.sync((failure) => {
      if (failure !== undefined) {
        this.#fail("sync", this.#fileName(), failure);
        return;
      }
      if (this.#hasFailed) return;
      this.#durable = upTo;
      this.#coveredUpTo = covered;
      done();
    });
  }

  /** Fills in the batch's front and the chain of checksums, and remembers what a new segment repeats. */
  #seal(bytes: Uint8Array, used: number): void {
    const head = {
      number: ++this.#batchNumber,
      durableOffset: this.#durable,
      batchBytes: used,
      previousChain: this.#chain,
      offset: this.#offset,
    };
    putBatchHead(bytes, 0, head, this.#salt);
    this.#chain = sealRecords(bytes, used, this.#chain, (at, dataBytes) => this.#remember(bytes, at, dataBytes));
  }

  #remember(bytes: Uint8Array, at: number, dataBytes: number): void {
    const type = bytes[at + 8];
    if (type === RecordType.entry) {
      this.#lastIndex = getUint53(bytes, at + 12) as LogIndex;
    } else if (type === RecordType.state) {
      this.#state = bytes.slice(at + recordHeaderBytes, at + recordHeaderBytes + dataBytes);
    } else if (type === RecordType.snapshot || type === RecordType.reset) {
      const index = getUint53(bytes, at + 12) as LogIndex;
      this.#snapshot = { index, data: bytes.slice(at + recordHeaderBytes, at + recordHeaderBytes + dataBytes) };
      if (index > this.#lastIndex || type === RecordType.reset) this.#lastIndex = index;
    }
  }

  /** Ends the segment and begins the next. The old one is durable before the new one has a name: a segment that is followed is whole. */
  #cut(ready: () => void): void {
    this.sync(() => {
      const segment: Segment = { sequence: this.#last().sequence + 1, firstIndex: (this.#lastIndex + 1) as LogIndex };
      const { directory } = this.#options;
      let temporary: { path: string; file: DiskFile };
      let salt: number;
      let chain: number;
      let opening: BatchBuffer;
      try {
        temporary = this.#ahead.takeNext();
        salt = this.#ports.randomUint32();
        const header = encodeSegmentHeader({ ...segment, salt, previousChain: this.#chain, previousEnd: this.#offset });
        chain = header.chain;
        opening = openingBatch(this.#metadata, this.#state, this.#snapshot);
        temporary.file.write(0, [header.bytes]);
      } catch (error) {
        this.#fail("cut", directory, error);
        return;
      }
      const old = this.#file;
      this.#file = temporary.file;
      this.#salt = salt;
      this.#chain = chain;
      this.#offset = segmentHeaderBytes;
      this.#durable = 0;
      this.#writeOpening(opening, temporary.path, segment, () => {
        old.close();
        this.#purge();
        ready();
      });
    });
  }

  #writeOpening(opening: BatchBuffer, temporary: string, segment: Segment, done: () => void): void {
    const { directory } = this.#options;
    const path = this.#path(segmentName(segment.sequence, segment.firstIndex));
    const name = (): void => {
      try {
        this.#ports.disk.rename(temporary, path);
        this.#ports.disk.syncDirectory(directory);
      } catch (error) {
        this.#fail("cut", path, error);
        return;
      }
      this.#segments.push(segment);
      this.#ahead.begin(this.#file, this.#offset);
      done();
    };
    this.#seal(opening.bytes, opening.used);
    try {
      this.#file.write(this.#offset, [opening.bytes.subarray(0, opening.used)]);
    } catch (error) {
      this.#fail("cut", path, error);
      return;
    }
    this.#offset += opening.used;
    if (this.#options.unsafeNoSync) name();
    else this.#sync(name);
  }

  #last(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  #fileName(): string {
    const last = this.#last();
    return this.#path(segmentName(last.sequence, last.firstIndex));
  }

  #path(name: string): string {
    return `${this.#options.directory}/${name}`;
  }

  #fail(operation: string, file: string, cause: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#ports.failed(ioError(operation, file, cause));
  }
}

/**
 * Fills in the checksums of the records in `bytes[0, used)`, each going on from the one before it.
 * @returns the chain after the last.
 */
export function sealRecords(
  bytes: Uint8Array,
  used: number,
  initialChain: number,
  visit?: (at: number, dataBytes: number) => void,
): number {
  let chain = initialChain;
  let at = 0;
  while (at < used) {
    const dataBytes = getUint32(bytes, at + 4);
    const end = at + recordBytes(dataBytes);
    chain = crc32c(bytes, at + 4, end, chain);
    putUint32(bytes, at, chain);
    visit?.(at, dataBytes);
    at = end;
  }
  assert(at === used, "a batch is a whole number of records");
  return chain;
}

/** A gathered batch: records in `[0, used)`, room for the batch's front before them. */
export type WrittenBatch = Readonly<{ bytes: Uint8Array; used: number }>;

/** What every segment begins with, so that the ones before it are never needed to read it. */
export function openingBatch(
  metadata: Uint8Array,
  state: Uint8Array | undefined,
  snapshot: WalSnapshot | undefined,
): BatchBuffer {
  const carried = metadata.length + (state?.length ?? 0) + (snapshot?.data.length ?? 0);
  const pendingBytesMax = batchRecordBytes + carried + 128;
  const batch = new BatchBuffer({ pendingBytesMax }, (length) => new Uint8Array(Math.min(length, pendingBytesMax)));
  batch.addMetadata(metadata);
  if (state !== undefined) batch.add({ entries: [], state, mustSync: true });
  if (snapshot !== undefined) batch.addSnapshot(snapshot);
  return batch;
}
