import type { LogIndex, Term } from "@quorate/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Entry, entryBytes } from "../src/entry.js";
import { EntryWindow } from "../src/entry-window.js";
import { MemoryLog } from "../src/memory-log.js";
import { RaftError } from "../src/raft-error.js";
import { at, buildConfState, buildEntries, buildEntry, bytes, id, term } from "./support/small-cluster.js";

const noLimit = Number.POSITIVE_INFINITY;

describe("EntryWindow", () => {
  it("behaves like an array under any pushes and cuts at both ends", () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant("push" as const), count: fc.integer({ min: 1, max: 900 }) }),
      },
      fc.record({
        kind: fc.constantFrom("before" as const, "from" as const),
        count: fc.integer({ min: 0, max: 3000 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (history) => {
        const window = new EntryWindow(at(1));
        let model: Entry[] = [];
        let first = 1;
        for (const { kind, count } of history) {
          if (kind === "push") {
            for (let i = 0; i < count; i++) {
              const entry = buildEntry({ index: at(first + model.length) });
              model.push(entry);
              window.push(entry);
            }
          } else if (kind === "before") {
            window.dropBefore(at(first + count));
            const dropped = Math.min(count, model.length);
            model = model.slice(dropped);
            first += dropped;
          } else {
            window.dropFrom(at(first + count));
            model = model.slice(0, count);
          }
          expect([window.first, window.end, window.length]).toEqual([first, first + model.length, model.length]);
          expect(window.at(at(first))).toBe(model[0]);
          expect(window.at(at(first - 1))).toBeUndefined();
          expect(window.at(window.end)).toBeUndefined();
        }
        expect(window.slice(window.first, window.end)).toEqual(model);
      }),
    );
  });

  it("refuses an entry that does not follow", () => {
    const window = new EntryWindow(at(5));
    expect(() => window.push(buildEntry({ index: at(6) }))).toThrow("consecutive");
  });
});

describe("MemoryLog", () => {
  it("knows the term of what it has compacted last, and nothing below or above", () => {
    const log = new MemoryLog({ entries: buildEntries([1, 1, 2, 3]) });
    log.compact(at(2));
    expect([0, 1, 2, 3, 4, 5].map((index) => log.term(at(index)))).toEqual([undefined, undefined, 1, 2, 3, undefined]);
    expect([log.firstIndex, log.lastIndex, log.length]).toEqual([3, 4, 2]);
  });

  it("cuts what is stored from the first new entry on, and skips what is compacted", () => {
    const log = new MemoryLog({ entries: buildEntries([1, 1, 1, 1]) });
    log.append([buildEntry({ index: at(3), term: term(2) })]);
    expect([log.lastIndex, log.term(at(3))]).toEqual([3, 2]);
    log.compact(at(3));
    log.append(buildEntries([1, 1, 1]));
    expect(log.lastIndex).toBe(3);
    log.append([buildEntry({ index: at(3), term: term(9) }), buildEntry({ index: at(4), term: term(2) })]);
    expect([log.term(at(3)), log.term(at(4))]).toEqual([2, 2]);
    expect(() => log.append([buildEntry({ index: at(6) })])).toThrow("no gap");
  });

  it("gives the longest run within a size, but at least one entry", () => {
    const entries = buildEntries([1, 1, 1]);
    const log = new MemoryLog({ entries });
    const size = (entries[0] as Entry).data.length + 16;
    expect(log.entries(at(1), at(4), noLimit)).toEqual(entries);
    expect(log.entries(at(1), at(4), 2 * size)).toEqual(entries.slice(0, 2));
    expect(log.entries(at(1), at(4), 2 * size - 1)).toEqual(entries.slice(0, 1));
    expect(log.entries(at(1), at(4), 0)).toEqual(entries.slice(0, 1));
    expect(log.entries(at(2), at(2), noLimit)).toEqual([]);
  });

  it("says what it does not have", () => {
    const log = new MemoryLog({ base: { index: at(5), term: term(1) } });
    const faultOf = (run: () => unknown): unknown => {
      try {
        return run();
      } catch (error) {
        return (error as RaftError).fault;
      }
    };
    expect(faultOf(() => log.entries(at(5), at(6), 1))).toEqual({ code: "raft/compacted", index: 5, firstIndex: 6 });
    expect(faultOf(() => log.entries(at(6), at(7), 1))).toEqual({ code: "raft/unavailable", index: 6, lastIndex: 5 });
    expect(faultOf(() => log.compact(at(5)))).toEqual({ code: "raft/compacted", index: 5, firstIndex: 6 });
    expect(() => log.compact(at(6))).toThrow("only stored entries");
    expect(() => log.entries(at(5), at(6), 1)).toThrow(RaftError);
  });

  it("knows what its entries weigh, whatever is added, cut off and forgotten", () => {
    const log = new MemoryLog({ entries: buildEntries([1, 1, 1]) });
    const held = (): number => {
      let sum = 0;
      for (let index = log.firstIndex; index <= log.lastIndex; index++) sum += entryBytes(log.at(index) as Entry);
      return sum;
    };
    expect([log.bytes, log.bytes > 0]).toEqual([held(), true]);
    log.append([buildEntry({ index: at(2), term: term(2), data: bytes("some more of it") })]);
    expect(log.bytes).toBe(held());
    log.append(
      [3, 4, 5].map((index) => buildEntry({ index: at(index), term: term(2), data: bytes("x".repeat(index)) })),
    );
    log.compact(at(3));
    expect(log.bytes).toBe(held());
    log.compact(at(5));
    expect(log.bytes).toBe(0);
    log.append([buildEntry({ index: at(6), term: term(2), data: bytes("y") })]);
    log.applySnapshot({ index: at(9), term: term(3), confState: buildConfState(), data: bytes("") });
    expect(log.bytes).toBe(0);
  });

  it("takes a newer snapshot in the place of everything", () => {
    const log = new MemoryLog({ entries: buildEntries([1, 1]) });
    const snapshot = { index: at(9), term: term(3), confState: buildConfState({ voters: [id(1)] }), data: bytes("s") };
    log.applySnapshot(snapshot);
    expect([log.firstIndex, log.lastIndex, log.term(at(9)), log.snapshot()]).toEqual([10, 9, 3, snapshot]);
    expect(() => log.applySnapshot(snapshot)).toThrow("raft/snapshot-out-of-date");
    log.append([buildEntry({ index: 10 as LogIndex, term: 3 as Term })]);
    expect(log.lastIndex).toBe(10);
  });
});
