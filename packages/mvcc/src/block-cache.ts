import { Block } from "./block.js";
import type { FenceEdits, Fences } from "./body/fences.js";
import type { BodyReader } from "./body/reader.js";

/**
 * All scores are halved after so many rows: what was often read long ago does not count any more. A fence that is read in parts gets
 * its block once the rows it has spent on parts, halvings included, are as many as the block would take.
 */
const rowsBetweenHalvings = 65_536;

/**
 * The latest records of whole fences, as they are in the body: what is read again and again needs no SQL. Blocks go when a flush
 * writes into their fence; a bounded number of bytes is kept, and what is read least goes first.
 */
export class BlockCache {
  readonly #fences: Fences;
  readonly #reader: BodyReader;
  readonly #bytesMax: number;
  readonly #blocks: (Block | undefined)[];
  readonly #scores: number[];
  #bytes = 0;
  #rows = 0;
  #hand = 0;

  constructor(fences: Fences, reader: BodyReader, bytesMax: number) {
    this.#fences = fences;
    this.#reader = reader;
    this.#bytesMax = bytesMax;
    this.#blocks = new Array(fences.length).fill(undefined);
    this.#scores = new Array(fences.length).fill(0);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The block of a fence of which about `rows` rows are wanted; undefined while it is not worth one. */
  forPart(place: number, rows: number): Block | undefined {
    const block = this.#blocks[place];
    const score = (this.#scores[place] as number) + rows;
    this.#scores[place] = score;
    this.#rows += rows;
    if (this.#rows >= rowsBetweenHalvings) this.#halve();
    if (block !== undefined || score < this.#fences.countAt(place)) return block;
    return this.#load(place);
  }

  /** The block of a fence that is read as a whole. */
  forWhole(place: number): Block | undefined {
    return this.#blocks[place] ?? this.#load(place);
  }

  /** Forgets what a flush has changed. `fences` has the same edits applied. */
  apply(edits: FenceEdits): void {
    for (const place of edits.touched) {
      this.#drop(place);
      this.#scores[place] = 0;
    }
    for (const splice of edits.splices) {
      for (let i = 0; i < splice.remove; i++) this.#drop(splice.at + i);
      const added = splice.insert.length;
      this.#blocks.splice(splice.at, splice.remove, ...new Array<undefined>(added).fill(undefined));
      this.#scores.splice(splice.at, splice.remove, ...new Array<number>(added).fill(0));
    }
  }

  #load(place: number): Block | undefined {
    const count = this.#fences.countAt(place);
    if (count === 0 || this.#bytesMax === 0) return undefined;
    const end = place + 1 < this.#fences.length ? this.#fences.keyAt(place + 1) : undefined;
    const bytes = this.#reader.latestBytes({ start: this.#fences.keyAt(place), end }, count);
    if (bytes === null) return undefined;
    const block = new Block(bytes);
    if (block.weight > this.#bytesMax / 4) return block;
    this.#blocks[place] = block;
    this.#bytes += block.weight;
    while (this.#bytes > this.#bytesMax) this.#evict(place);
    return block;
  }

  /** Goes round the fences; a score buys another round each time, at half its worth. */
  #evict(keep: number): void {
    for (;;) {
      this.#hand = (this.#hand + 1) % this.#blocks.length;
      const place = this.#hand;
      if (this.#blocks[place] === undefined || place === keep) continue;
      const score = this.#scores[place] as number;
      if (score === 0) return this.#drop(place);
      this.#scores[place] = score >>> 1;
    }
  }

  #drop(place: number): void {
    const block = this.#blocks[place];
    if (block === undefined) return;
    this.#bytes -= block.weight;
    this.#blocks[place] = undefined;
  }

  #halve(): void {
    this.#rows = 0;
    for (let i = 0; i < this.#scores.length; i++) this.#scores[i] = (this.#scores[i] as number) >>> 1;
  }
}
