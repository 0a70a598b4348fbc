import type { LogIndex, MemberId, Term } from "@quorate/common";
import type { Change, Committed } from "@quorate/mvcc";
import { KeyValue } from "@quorate/proto";
import type { Entry } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { LeaseBook } from "../src/lease-book.js";
import { Truth } from "../src/truth.js";

const [a, b] = [1n, 2n] as [MemberId, MemberId];
const noJudge = { expired: () => {} };

function entry(index: number, term: number, text: string): Entry {
  return { index: index as LogIndex, term: term as Term, kind: "normal", data: Buffer.from(text) };
}

function change(revision: number, key: string, value: string | undefined, lease = 0n): Change {
  const record = KeyValue.encode({
    key: Buffer.from(key),
    value: Buffer.from(value ?? ""),
    modRevision: BigInt(revision),
    lease,
  });
  return {
    kind: value === undefined ? "delete" : "put",
    key: Buffer.from(key),
    keyLatin1: key,
    revision: revision as Change["revision"],
    sub: 0,
    record,
    previous: undefined,
  } as Change;
}

const committed = (...changes: readonly Change[]): Committed => ({
  revision: changes.at(-1)?.revision as Committed["revision"],
  changes,
});
const now = { atMs: 0, isExpiry: false };

describe("Truth", () => {
  it("knows of one leader per term", () => {
    const truth = new Truth(noJudge);
    truth.leads(a, 2 as Term);
    truth.leads(a, 2 as Term);
    truth.leads(b, 3 as Term);
    expect(truth.elections).toBe(2);
    expect(() => truth.leads(b, 2 as Term)).toThrow("one leader per term");
  });

  it("holds all members to the entries that one had committed: index, term and bytes", () => {
    const truth = new Truth(noJudge);
    truth.committed(a, [entry(1, 1, "x"), entry(2, 1, "y")]);
    truth.committed(b, [entry(1, 1, "x"), entry(2, 1, "y"), entry(3, 2, "z")]);
    expect(truth.committedEntries).toBe(3);
    expect(() => truth.committed(a, [entry(3, 2, "other")])).toThrow("equal committed prefixes");
    expect(() => truth.committed(a, [entry(2, 2, "y")])).toThrow("equal committed prefixes");
  });

  it("holds all members to what a revision changed on the first of them", () => {
    const truth = new Truth(noJudge);
    truth.changed(a, committed(change(2, "k", "1")), now);
    truth.changed(a, committed(change(3, "k", undefined)), now);
    truth.changed(b, committed(change(2, "k", "1")), now);
    expect(truth.revision).toBe(3);
    expect(truth.revisions.map(({ events }) => events)).toEqual([
      [{ kind: "put", key: "k", value: "1", lease: 0n }],
      [{ kind: "delete", key: "k" }],
    ]);
    expect(() => truth.changed(b, committed(change(3, "k", "2")), now)).toThrow("equal state");
    expect(() => truth.changed(b, committed(change(5, "k", "2")), now)).toThrow("equal state");
  });

  it("holds all members to one hash of the same history", () => {
    const truth = new Truth(noJudge);
    truth.hashed(a, "history to 5", 77);
    truth.hashed(b, "history to 5", 77);
    truth.hashed(b, "history to 6", 78);
    expect(() => truth.hashed(a, "history to 6", 79)).toThrow("equal hashes");
  });

  it("asks about the lease of keys that went because its time was over", () => {
    const leases = new LeaseBook(0);
    const truth = new Truth(leases);
    leases.renewed(7n, 3, 1000);
    truth.changed(a, committed(change(2, "k", "1", 7n)), now);
    expect(() => truth.changed(a, committed(change(3, "k", undefined)), { atMs: 3998, isExpiry: true })).toThrow(
      "leases never early",
    );
  });
});

describe("LeaseBook", () => {
  it("counts on nothing but what was promised, from when it was asked for", () => {
    const leases = new LeaseBook(0);
    leases.renewed(7n, 3, 1000);
    expect(leases.lastEndMs(500)).toBe(4500);
    leases.expired(7n, 4000);
    leases.renewed(7n, 3, 2000);
    expect(() => leases.expired(7n, 4500)).toThrow("promised until 4999");
    leases.renewed(7n, 3, 1500); // an answer that came late
    leases.expired(7n, 5000);
    leases.expired(8n, 0); // nobody was told of it
    expect(leases.expirations).toBe(4);
  });

  it("allows a member's clock to be as fast as it may be", () => {
    const leases = new LeaseBook(0.1);
    leases.renewed(7n, 10, 0);
    leases.expired(7n, 9000);
    expect(() => leases.expired(7n, 8990)).toThrow("leases never early");
  });
});
