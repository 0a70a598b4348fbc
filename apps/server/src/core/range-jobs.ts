import type { Revision } from "@quorate/common";
import { arrangeRecords, type Mvcc, type RangeCursor, type RangeQuery, recordsNeeded } from "@quorate/mvcc";
import type { Turn } from "../ports/turn.js";
import { encodeRangeEnd, encodeRangeReply, encodeRecords } from "./range-reply.js";

/** Records, and bytes of them, that are read and encoded before others get the thread. */
const sliceRecords = 1000;
const sliceBytes = 262_144;

/** A range under way. Records go into the answer as they are read (`parts`), or are kept to be arranged when all are there (`kept`). */
type Job = {
  readonly query: RangeQuery;
  readonly cursor: RangeCursor;
  /** Records to read. */
  readonly needed: number;
  readonly parts: Uint8Array[];
  readonly kept: Uint8Array[] | undefined;
  taken: number;
};

/** What happens to the answer of a range. */
export type RangeAnswer = Readonly<{
  reply(parts: readonly Uint8Array[]): void;
  /** The revision was compacted, or lies in the future. */
  refuse(error: unknown): void;
}>;

/**
 * Answers ranges. A small one is read and encoded at once; a large one in slices between which others get the thread, all at one revision. So a client that
 * reads a hundred megabytes delays nobody by more than one slice.
 */
export class RangeJobs {
  readonly #mvcc: Mvcc;
  readonly #turn: Turn;
  readonly #header: (revision: Revision) => Uint8Array;
  readonly #running = new Map<number, Job>();

  constructor(parts: { mvcc: Mvcc; header(revision: Revision): Uint8Array }, ports: { turn: Turn }) {
    this.#mvcc = parts.mvcc;
    this.#header = (revision) => parts.header(revision);
    this.#turn = ports.turn;
  }

  /** Ranges that are being read in slices. */
  get running(): number {
    return this.#running.size;
  }

  /** Answers one range, now or in slices. */
  start(serial: number, query: RangeQuery, answer: RangeAnswer): void {
    try {
      if (query.range.kind === "key" || query.countOnly === true) {
        const result = this.#mvcc.range(query);
        answer.reply([encodeRangeReply(this.#header(result.revision), result)]);
        return;
      }
      const cursor = this.#mvcc.openRange(query);
      const isPlain = !isArranged(query) && query.keysOnly !== true;
      const wanted = isPlain ? (query.limit ?? cursor.count) : recordsNeeded(query);
      const needed = Math.min(wanted, cursor.count);
      const parts = [this.#header(cursor.storeRevision)];
      const job: Job = { query, cursor, needed, parts, kept: isPlain ? undefined : [], taken: 0 };
      this.#running.set(serial, job);
      this.#slice(serial, job, answer);
    } catch (error) {
      answer.refuse(error);
    }
  }

  cancel(serial: number): void {
    const job = this.#running.get(serial);
    if (job === undefined) return;
    this.#running.delete(serial);
    job.cursor.close();
  }

  stop(): void {
    for (const serial of [...this.#running.keys()]) this.cancel(serial);
  }

  #slice(serial: number, job: Job, answer: RangeAnswer): void {
    if (this.#running.get(serial) !== job) return; // cancelled
    try {
      const maxRecords = Math.min(sliceRecords, job.needed - job.taken);
      if (maxRecords > 0) this.#take(job, job.cursor.next({ maxRecords, maxBytes: sliceBytes }).records);
      if (job.taken < job.needed) {
        this.#turn(() => this.#slice(serial, job, answer));
        return;
      }
      this.cancel(serial);
      answer.reply(this.#finish(job));
    } catch (error) {
      this.cancel(serial);
      answer.refuse(error);
    }
  }

  #take(job: Job, records: readonly Uint8Array[]): void {
    job.taken += records.length;
    if (job.kept === undefined) job.parts.push(encodeRecords(records));
    else job.kept.push(...records);
  }

  /** The parts of the whole answer. */
  #finish(job: Job): readonly Uint8Array[] {
    const { count } = job.cursor;
    let more = count > job.needed;
    if (job.kept !== undefined) {
      const arranged = arrangeRecords(job.query, job.kept);
      more = arranged.more;
      job.parts.push(encodeRecords(arranged.records));
    }
    job.parts.push(encodeRangeEnd(more, count));
    return job.parts;
  }
}

/** True when all keys must be seen before the first can be told: sorted otherwise than by key, or filtered. */
export function isArranged(query: RangeQuery): boolean {
  const isByKey = query.sort === undefined || (query.sort.target === "key" && query.sort.order !== "descend");
  const { minMod, maxMod, minCreate, maxCreate } = query;
  return !isByKey || [minMod, maxMod, minCreate, maxCreate].some((bound) => bound !== undefined);
}
