import type { Statement } from "better-sqlite3";
import { bytesFromLatin1, latin1FromBytes } from "../key-range.js";
import { type FenceEdits, type FenceSplice, Fences, fenceKeys, fenceKeysMax, fenceKeysMin } from "./fences.js";
import type { Connection } from "./schema.js";

/** A key that sorts before all others; a blob of no bytes would be bound as one too, this is plainer. */
const before = (key: string): Uint8Array => bytesFromLatin1(key);

/** Keeps the fences in step with `latest`, in the transaction of each flush. */
export class FenceKeeper {
  readonly fences: Fences;
  readonly #write: Statement;
  readonly #remove: Statement;
  readonly #nth: Statement;
  /** Changes of this flush by place. Keys come in ascending order, so places do too. */
  #changes = new Map<number, number>();
  #touched: number[] = [];
  #place = 0;

  constructor(db: Connection) {
    const rows = db.prepare("SELECT first_key, count FROM fences ORDER BY first_key").raw().all() as [
      Uint8Array,
      number,
    ][];
    this.fences = new Fences(rows.map(([key, count]) => ({ key: latin1FromBytes(key), count })));
    this.#write = db.prepare("INSERT OR REPLACE INTO fences VALUES (?, ?)");
    this.#remove = db.prepare("DELETE FROM fences WHERE first_key = ?");
    this.#nth = db.prepare("SELECT key FROM latest WHERE key >= ? ORDER BY key LIMIT 1 OFFSET ?").pluck();
  }

  /** A key was written; it came (1), went (-1), or stays (0). Called in ascending order of the keys. */
  note(key: string, change: -1 | 0 | 1): void {
    const next = this.#place + 1;
    if (next < this.fences.length && this.fences.keyAt(next) <= key) this.#place = this.fences.find(key, next);
    if (this.#touched.at(-1) !== this.#place) this.#touched.push(this.#place);
    if (change !== 0) this.#changes.set(this.#place, (this.#changes.get(this.#place) ?? 0) + change);
  }

  /** Writes what changed, cuts and joins fences. Call it when `latest` is written and before the commit. */
  settle(): FenceEdits {
    const places = [...this.#changes.keys()];
    const counts = new Float64Array(places.length * 2);
    places.forEach((place, i) => {
      const count = this.fences.countAt(place) + (this.#changes.get(place) as number);
      counts[i * 2] = place;
      counts[i * 2 + 1] = count;
      this.fences.setCount(place, count);
      this.#write.run(before(this.fences.keyAt(place)), count);
    });
    const splices: FenceSplice[] = [];
    for (const place of places.reverse()) {
      const splice = this.#reshape(place);
      if (splice === undefined) continue;
      this.#store(splice);
      this.fences.splice(splice);
      splices.push(splice);
    }
    const touched = Float64Array.from(this.#touched);
    this.#changes = new Map();
    this.#touched = [];
    this.#place = 0;
    return { counts, splices, touched };
  }

  #reshape(place: number): FenceSplice | undefined {
    const count = this.fences.countAt(place);
    if (count > fenceKeysMax) return this.#cut(place, count);
    if (count >= fenceKeysMin || place === 0) return undefined;
    const together = this.fences.countAt(place - 1) + count;
    if (together > fenceKeys) return undefined;
    return { at: place - 1, remove: 2, insert: [{ key: this.fences.keyAt(place - 1), count: together }] };
  }

  #cut(place: number, count: number): FenceSplice {
    const insert: { key: string; count: number }[] = [];
    let key = this.fences.keyAt(place);
    let rest = count;
    for (; rest > fenceKeysMax; rest -= fenceKeys) {
      insert.push({ key, count: fenceKeys });
      key = latin1FromBytes(this.#nth.get(before(key), fenceKeys) as Uint8Array);
    }
    insert.push({ key, count: rest });
    return { at: place, remove: 1, insert };
  }

  #store(splice: FenceSplice): void {
    for (let i = 1; i < splice.remove; i++) this.#remove.run(before(this.fences.keyAt(splice.at + i)));
    for (const row of splice.insert) this.#write.run(before(row.key), row.count);
  }
}
