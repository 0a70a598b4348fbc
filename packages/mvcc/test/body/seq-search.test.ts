import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seqOfRevision } from "../../src/body/seq-search.js";
import { SeqSet } from "../../src/body/seq-set.js";

describe("seqOfRevision", () => {
  it("finds the first change of a revision, with gaps and many changes a revision", () => {
    const history = fc.array(
      fc.record({ changes: fc.integer({ min: 1, max: 9 }), jump: fc.constantFrom(1, 1, 1, 50) }),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(history, fc.func(fc.nat(2)), (revisions, fate) => {
        const rows: { seq: number; main: number }[] = [];
        let main = 1;
        let seq = 0;
        for (const { changes, jump } of revisions) {
          main += jump;
          for (let i = 0; i < changes; i++) rows.push({ seq: ++seq, main });
        }
        // Compaction has removed some rows.
        const kept = rows.filter((row) => fate(row.seq) !== 0);
        const end = { lastSeq: seq, lastRevision: main };
        for (let revision = 1; revision <= main + 1; revision++) {
          const found = seqOfRevision(end, revision, (at) => kept.find((row) => row.seq >= at));
          const at = (place: number): number => kept.find((row) => row.seq >= place)?.seq ?? seq + 1;
          expect(at(found)).toBe(kept.find((row) => row.main >= revision)?.seq ?? seq + 1);
        }
      }),
      { seed: 1 },
    );
  });

  it("needs one probe more than none while every revision has one change", () => {
    let probes = 0;
    const at = (seq: number) => {
      probes++;
      return { seq, main: seq + 1 };
    };
    expect(seqOfRevision({ lastSeq: 1_000_000, lastRevision: 1_000_001 }, 500_000, at)).toBe(499_999);
    expect(probes).toBeLessThanOrEqual(2);
  });
});

describe("SeqSet", () => {
  it("has what was added", () => {
    const set = new SeqSet();
    const members = [0, 1, 31, 32, 32767, 32768, 5_000_000_000, 9007199254740991];
    for (const seq of members) set.add(seq);
    for (const seq of members) expect(set.has(seq)).toBe(true);
    for (const seq of [2, 33, 32769, 5_000_000_001]) expect(set.has(seq)).toBe(false);
  });
});
