import { equalBytes, type MemberId, type Term } from "@quorate/common";
import type { Change, Committed } from "@quorate/mvcc";
import { KeyValue } from "@quorate/proto";
import type { Entry } from "@quorate/raft";
import { type HistoryRevision, type KeyEvent, KeySpace } from "@quorate/testkit";
import { SimFailure } from "./sim-failure.js";

/** Text of one character a byte. */
export const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

type Made = HistoryRevision & {
  readonly records: readonly Uint8Array[];
  readonly atMs: number;
  readonly isExpiry: boolean;
};

/** Who is asked when leases end. */
export interface LeaseJudge {
  /** The keys of a lease went because its time was over. @throws SimFailure when it was not. */
  expired(lease: bigint, atMs: number): void;
}

/**
 * What all members together have shown to be so: the entries that are committed, who led when, and what each revision changed. Whoever shows something
 * for the first time decides it; everybody else has to agree.
 */
export class Truth {
  readonly #entries = new Map<number, Entry>();
  readonly #leaders = new Map<number, MemberId>();
  readonly #revisions: Made[] = [];
  readonly #hashes = new Map<string, number>();
  readonly #space = new KeySpace();
  readonly #leases: LeaseJudge;

  constructor(leases: LeaseJudge) {
    this.#leases = leases;
  }

  /** The newest revision that a member has applied. */
  get revision(): number {
    return this.#revisions.length + 1;
  }

  get revisions(): readonly HistoryRevision[] {
    return this.#revisions;
  }

  /** Terms that had a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  get committedEntries(): number {
    return this.#entries.size;
  }

  leads(member: MemberId, term: Term): void {
    const known = this.#leaders.get(term);
    if (known !== undefined && known !== member) {
      throw new SimFailure("one leader per term", `${known} and ${member} both lead in term ${term}`);
    }
    this.#leaders.set(term, member);
  }

  committed(member: MemberId, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const known = this.#entries.get(entry.index);
      if (known === undefined) this.#entries.set(entry.index, { ...entry, data: new Uint8Array(entry.data) });
      else if (known.term !== entry.term || known.kind !== entry.kind || !equalBytes(known.data, entry.data)) {
        const text = `${member} has ${describe(entry)} at ${entry.index}, where ${describe(known)} was committed`;
        throw new SimFailure("equal committed prefixes", text);
      }
    }
  }

  /** @param isExpiry leases ended because their time was over. */
  changed(member: MemberId, committed: Committed, options: { atMs: number; isExpiry: boolean }): void {
    const { changes } = committed;
    for (let from = 0; from < changes.length; ) {
      const { revision } = changes[from] as Change;
      let to = from;
      while (to < changes.length && (changes[to] as Change).revision === revision) to += 1;
      this.#made(member, changes.slice(from, to), options);
      from = to;
    }
  }

  /** A hash of all history up to a revision. */
  hashed(member: MemberId, what: string, hash: number): void {
    const known = this.#hashes.get(what);
    if (known !== undefined && known !== hash)
      throw new SimFailure("equal hashes", `${member} has ${hash} for ${what}, not ${known}`);
    this.#hashes.set(what, hash);
  }

  #made(member: MemberId, changes: readonly Change[], options: { atMs: number; isExpiry: boolean }): void {
    const { revision } = changes[0] as Change;
    const known = this.#revisions[revision - 2];
    if (known !== undefined) return this.#compare(member, changes, known);
    if (revision !== this.revision + 1) {
      throw new SimFailure("equal state", `${member} makes revision ${revision} after ${this.revision}`);
    }
    const events = changes.map(eventOf);
    if (options.isExpiry) {
      for (const { key } of events) this.#leases.expired(this.#space.get(key)?.lease ?? 0n, options.atMs);
    }
    for (const event of events) this.#space.apply(event, revision);
    this.#revisions.push({
      revision,
      events,
      records: changes.map(({ record }) => new Uint8Array(record)),
      ...options,
    });
  }

  #compare(member: MemberId, changes: readonly Change[], known: Made): void {
    const isSame =
      changes.length === known.records.length &&
      changes.every(({ record, kind }, at) => {
        return known.events[at]?.kind === kind && equalBytes(record, known.records[at] as Uint8Array);
      });
    if (isSame) return;
    const text = `${member} has another revision ${known.revision}: ${changes.map(({ keyLatin1, kind }) => `${kind} ${keyLatin1}`)}`;
    throw new SimFailure("equal state", text);
  }
}

function eventOf(change: Change): KeyEvent {
  if (change.kind === "delete") return { kind: "delete", key: change.keyLatin1 };
  const { value, lease } = KeyValue.decode(change.record);
  return { kind: "put", key: change.keyLatin1, value: latin1(value), lease };
}

function describe({ term, kind, data }: Entry): string {
  return `${kind} of term ${term} with ${data.length} bytes`;
}
