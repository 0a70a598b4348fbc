import type { Revision } from "@quorate/common";
import type { Mvcc, RangeCursor, RangeQuery } from "@quorate/mvcc";
import type { Turn } from "../ports/turn.js";
import { encodeRangeEnd, encodeRangeReply, encodeRecords } from "./range-reply.js";

/** Records, and bytes of them, that are read and encoded before others get the thread. */
const sliceRecords = 1000;
const sliceBytes = 262_144;

/** A range under way. */
type Job = { readonly cursor: RangeCursor; readonly limit: number; readonly parts: Uint8Array[]; taken: number };

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
      if (query.range.kind === "key" || query.countOnly === true || isArranged(query)) {
        const result = this.#mvcc.range(query);
        answer.reply([encodeRangeReply(this.#header(result.revision), result)]);
        return;
      }
      const cursor = this.#mvcc.openRange(query);
      const limit = Math.min(query.limit ?? cursor.count, cursor.count);
      const job: Job = { cursor, limit, parts: [this.#header(cursor.storeRevision)], taken: 0 };
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
      const maxRecords = Math.min(sliceRecords, job.limit - job.taken);
      if (maxRecords > 0) {
        const { records } = job.cursor.next({ maxRecords, maxBytes: sliceBytes });
        job.taken += records.length;
        job.parts.push(encodeRecords(records));
      }
      if (job.taken < job.limit) {
        this.#turn(() => this.#slice(serial, job, answer));
        return;
      }
      const { count } = job.cursor;
      this.cancel(serial);
      job.parts.push(encodeRangeEnd(count > job.limit, count));
      answer.reply(job.parts);
    } catch (error) {
      this.cancel(serial);
      answer.refuse(error);
    }
  }
}

/** True when all keys must be seen before the first can be told: sorted otherwise than by key, or filtered. */
export function isArranged(query: RangeQuery): boolean {
  const isByKey = query.sort === undefined || (query.sort.target === "key" && query.sort.order !== "descend");
  const { minMod, maxMod, minCreate, maxCreate } = query;
  return !isByKey || [minMod, maxMod, minCreate, maxCreate].some((bound) => bound !== undefined);
}
