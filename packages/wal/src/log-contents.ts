import { equalBytes, type LogIndex } from "@quorate/common";
import { RecordType, segmentHeaderBytes } from "./format.js";
import type { LogTail } from "./segment-log.js";
import type { ReadRecord, SegmentReader } from "./segment-reader.js";
import type { WalEntry, WalSnapshot } from "./wal.js";

/** The records of a batch, and where it lies in its segment. */
export type BatchRecords = Readonly<{ at: number; records: readonly ReadRecord[] }>;

/** What the records say together. */
export class LogContents {
  readonly #isWhole: boolean;
  #metadata: Uint8Array | undefined;
  #state: Uint8Array | undefined;
  #snapshot: WalSnapshot | undefined;
  #entries: WalEntry[] = [];
  #lastIndex: LogIndex | undefined;

  /** @param options `isWhole`: entries that a snapshot covers are kept as well, as far as they are there. */
  constructor(options: { isWhole: boolean } = { isWhole: false }) {
    this.#isWhole = options.isWhole;
  }

  /** Adds a batch. The first one of a segment repeats what the segments before it say. @throws WalError "wal/corrupt". */
  addBatch(source: SegmentReader, { at, records }: BatchRecords): void {
    const isOpening = at === segmentHeaderBytes;
    // The first segment that is read says where its entries begin.
    this.#lastIndex ??= Math.max(0, source.header.firstIndex - 1) as LogIndex;
    for (const record of records) {
      if (isOpening && record.type === RecordType.metadata) this.#setMetadata(source, record.data);
      else this.#add(source, at, record);
    }
    if (this.#metadata === undefined) throw source.corrupt(at, "the segment has no metadata");
  }

  #add(source: SegmentReader, at: number, record: ReadRecord): void {
    switch (record.type) {
      case RecordType.entry:
        this.#addEntry(source, at, record);
        return;
      case RecordType.state:
        this.#state = record.data.slice();
        return;
      case RecordType.snapshot:
      case RecordType.reset:
        this.#addSnapshot(record);
        return;
      default:
        throw source.corrupt(at, `a record has the unknown type ${record.type}`);
    }
  }

  /** What is repeated at the beginning of the next segment. */
  last(): Pick<LogTail, "lastIndex" | "metadata" | "state" | "snapshot"> {
    return {
      lastIndex: this.#lastIndex ?? (0 as LogIndex),
      metadata: this.#metadata as Uint8Array,
      state: this.#state,
      snapshot: this.#snapshot,
    };
  }

  /** True when every entry there ever was is here, however much of it snapshots cover. */
  get hasAllEntries(): boolean {
    return this.#entries[0]?.index === 1;
  }

  /** All entries that are held. */
  get entries(): readonly WalEntry[] {
    return this.#entries;
  }

  /** @returns undefined when entries right after the snapshot are gone. */
  entriesAfterSnapshot(): readonly WalEntry[] | undefined {
    this.#dropCovered();
    const [first] = this.#entries;
    const needed = (this.#snapshot?.index ?? 0) + 1;
    return first !== undefined && first.index > needed ? undefined : this.#entries;
  }

  #addEntry(source: SegmentReader, at: number, record: ReadRecord): void {
    const { index, data } = record;
    const last = this.#lastIndex as LogIndex;
    if (index > last + 1 || index === 0) throw source.corrupt(at, `entry ${index} follows entry ${last}`);
    if (index <= last) {
      const first = this.#entries[0]?.index ?? index;
      this.#entries.length = Math.max(0, Math.min(this.#entries.length, index - first));
    }
    this.#entries.push({ index, data });
    this.#lastIndex = index;
  }

  #addSnapshot(record: ReadRecord): void {
    this.#snapshot = { index: record.index, data: record.data.slice() };
    const isAhead = this.#lastIndex === undefined || record.index > this.#lastIndex;
    if (isAhead || record.type === RecordType.reset) {
      // The snapshot came from elsewhere: the log goes on behind it, whatever it held.
      this.#lastIndex = record.index;
      this.#entries = [];
    }
    if (this.#entries.length > 0 && !this.#isWhole) this.#dropCovered();
  }

  #dropCovered(): void {
    const covered = this.#snapshot?.index ?? 0;
    const first = this.#entries[0]?.index;
    if (first === undefined || first > covered) return;
    this.#entries = this.#entries.slice(covered - first + 1);
  }

  #setMetadata(source: SegmentReader, metadata: Uint8Array): void {
    if (this.#metadata !== undefined && !equalBytes(this.#metadata, metadata)) {
      throw source.corrupt(segmentHeaderBytes, "the segment belongs to another log");
    }
    this.#metadata = metadata.slice();
  }
}
