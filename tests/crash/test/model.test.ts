import { describe, expect, it } from "vitest";
import type { Change, KeyState, Observation } from "../src/history.js";
import { CrashModel } from "../src/index.js";

const put = (key: string, value: string, lease = "0"): Change => ({ key, value, lease });
const gone = (key: string): Change => ({ key, value: undefined, lease: "0" });
const state = (value: string, modRevision: number, more: Partial<KeyState> = {}): KeyState => ({
  value,
  modRevision,
  createRevision: modRevision,
  version: 1,
  lease: "0",
  ...more,
});

function see(
  history: [revision: number, ...changes: Change[]][],
  keys: Record<string, KeyState>,
  more: Partial<Observation> = {},
): Observation {
  return {
    revision: history.at(-1)?.[0] ?? 1,
    compactRevision: 0,
    history: history.map(([revision, ...changes]) => ({ revision, changes })),
    keys: new Map(Object.entries(keys)),
    leases: new Set(),
    atMs: 0,
    ...more,
  };
}

/** a=1 at 2 and b=1 at 3, both acknowledged. */
function buildModel(): CrashModel {
  const model = new CrashModel();
  model.acknowledge({ changes: [put("a", "1")] }, 2);
  model.acknowledge({ changes: [put("b", "1")] }, 3);
  return model;
}
const a = { a: state("1", 2) };
const ab = { ...a, b: state("1", 3) };

describe("CrashModel", () => {
  it("finds nothing wrong when everything acknowledged is there", () => {
    expect(
      buildModel().check(
        see(
          [
            [2, put("a", "1")],
            [3, put("b", "1")],
          ],
          ab,
        ),
      ),
    ).toEqual([]);
  });

  it("finds a lost write", () => {
    const problems = buildModel().check(see([[2, put("a", "1")]], a));
    expect(problems).toContain("lost: revision 3 was acknowledged for b=1");
    expect(problems).toContain("the revision went back from 3 to 2");
  });

  it("finds a write at another revision than the acknowledged one", () => {
    const problems = buildModel().check(
      see(
        [
          [2, put("b", "1")],
          [3, put("a", "1")],
        ],
        { a: state("1", 3), b: state("1", 2) },
      ),
    );
    expect(problems).toContain('revision 2 was acknowledged for "a=1" and is "b=1"');
  });

  it("finds a value that nobody wrote", () => {
    const problems = buildModel().check(
      see(
        [
          [2, put("a", "1")],
          [3, put("b", "1")],
          [4, put("b", "2")],
        ],
        { ...a, b: state("2", 4, { createRevision: 3, version: 2 }) },
      ),
    );
    expect(problems).toEqual(['revision 4 is "b=2", which nobody asked for (any more)']);
  });

  it("finds a store that does not agree with its own history", () => {
    expect(
      buildModel().check(
        see(
          [
            [2, put("a", "1")],
            [3, put("b", "1")],
          ],
          a,
        ),
      ),
    ).toEqual(["key b: wanted 1 3 3 1 0, is absent"]);
    const wrongVersion = { ...a, b: state("1", 3, { version: 2 }) };
    expect(
      buildModel().check(
        see(
          [
            [2, put("a", "1")],
            [3, put("b", "1")],
          ],
          wrongVersion,
        ),
      ),
    ).toEqual(["key b: wanted 1 3 3 1 0, is 1 3 3 2 0"]);
  });

  it("finds half of a transaction", () => {
    const model = new CrashModel();
    model.acknowledge({ changes: [put("a", "1"), put("b", "1")] }, 2);
    expect(model.check(see([[2, put("a", "1")]], a))).toContain(
      'revision 2 was acknowledged for "a=1, b=1" and is "a=1"',
    );
  });

  it("finds a gap in history", () => {
    const model = new CrashModel();
    model.acknowledge({ changes: [put("a", "1")] }, 2);
    model.acknowledge({ changes: [put("a", "2")] }, 4);
    const problems = model.check(
      see(
        [
          [2, put("a", "1")],
          [4, put("a", "2")],
        ],
        { a: state("2", 4, { createRevision: 2, version: 2 }) },
      ),
    );
    expect(problems).toEqual(["a gap in history: 4 comes where 3 should"]);
  });

  it("finds history that changed after it was checked", () => {
    const model = buildModel();
    model.check(
      see(
        [
          [2, put("a", "1")],
          [3, put("b", "1")],
        ],
        ab,
      ),
    );
    expect(
      model.check(
        see(
          [
            [2, put("a", "x")],
            [3, put("b", "1")],
          ],
          ab,
        ),
      ),
    ).toEqual(['revision 2 was "a=1" and is "a=x"']);
  });

  it("refuses a revision that is given twice, or again after a restart", () => {
    const model = buildModel();
    expect(() => model.acknowledge({ changes: [put("c", "1")] }, 3)).toThrow("revision 3 was given twice");
    model.check(
      see(
        [
          [2, put("a", "1")],
          [3, put("b", "1")],
        ],
        ab,
      ),
    );
    expect(() => model.acknowledge({ changes: [put("c", "1")] }, 3)).toThrow("given again after a restart");
  });

  it("allows an unanswered write once, and not after the check", () => {
    const model = buildModel();
    model.leaveOpen({ changes: [put("a", "2")] });
    model.leaveOpen({ changes: [put("b", "2")] });
    const landed = { ...ab, a: state("2", 4, { createRevision: 2, version: 2 }) };
    expect(
      model.check(
        see(
          [
            [2, put("a", "1")],
            [3, put("b", "1")],
            [4, put("a", "2")],
          ],
          landed,
        ),
      ),
    ).toEqual([]);
    expect(model.counts.landed).toBe(1);
    const twice = { ...landed, a: state("2", 5, { createRevision: 2, version: 3 }) };
    expect(
      model.check(
        see(
          [
            [4, put("a", "2")],
            [5, put("a", "2")],
          ],
          twice,
          { compactRevision: 0 },
        ),
      ),
    ).toContain('revision 5 is "a=2", which nobody asked for (any more)');
    const late = { ...twice, b: state("2", 6, { createRevision: 3, version: 2 }) };
    expect(model.check(see([[6, put("b", "2")]], late))).toContain(
      'revision 6 is "b=2", which nobody asked for (any more)',
    );
  });
});

describe("CrashModel, leases", () => {
  function leased(sentAtMs = 0): CrashModel {
    const model = new CrashModel();
    model.leaseGranted("7", { ttlSeconds: 10, sentAtMs, isAcknowledged: true });
    model.acknowledge({ changes: [put("a", "1", "7"), put("b", "1", "7")] }, 2);
    const keys = { a: state("1", 2, { lease: "7" }), b: state("1", 2, { lease: "7" }) };
    expect(model.check(see([[2, put("a", "1", "7"), put("b", "1", "7")]], keys, { leases: new Set(["7"]) }))).toEqual(
      [],
    );
    return model;
  }
  const expired = (atMs: number) =>
    see(
      [
        [2, put("a", "1", "7"), put("b", "1", "7")],
        [3, gone("a"), gone("b")],
      ],
      {},
      { atMs },
    );

  it("allows the end of a lease when its time has come", () => {
    const model = leased();
    expect(model.check(expired(10_000))).toEqual([]);
    expect(model.counts.expired).toBe(1);
  });

  it("finds a lease that ended early", () => {
    expect(leased().check(expired(9_999))).toContain("lease 7 of 10 s ended after 9999 ms");
  });

  it("finds an end that took only some of the keys", () => {
    const keys = { b: state("1", 2, { lease: "7" }) };
    expect(
      leased().check(
        see(
          [
            [2, put("a", "1", "7"), put("b", "1", "7")],
            [3, gone("a")],
          ],
          keys,
          { atMs: 20_000 },
        ),
      ),
    ).toContain('revision 3 is "a deleted", which nobody asked for (any more)');
  });

  it("finds a lease that is not there, is there again, or was never asked for", () => {
    const model = new CrashModel();
    model.leaseGranted("7", { ttlSeconds: 10, sentAtMs: 0, isAcknowledged: true });
    model.leaseGranted("8", { ttlSeconds: 10, sentAtMs: 0, isAcknowledged: true });
    model.leaseRevoked("8", { isAcknowledged: true });
    expect(model.check(see([], {}, { leases: new Set(["8", "9"]) }))).toEqual([
      "lease 7 was granted and is not there",
      "lease 8 is gone and is there again",
      "nobody asked for lease 9",
    ]);
  });

  it("allows an unanswered grant to have happened, or not", () => {
    for (const leases of [new Set<string>(), new Set(["7"])]) {
      const model = new CrashModel();
      model.leaseGranted("7", { ttlSeconds: 10, sentAtMs: 0, isAcknowledged: false });
      expect(model.check(see([], {}, { leases }))).toEqual([]);
    }
  });
});

describe("CrashModel, compaction", () => {
  it("wants an acknowledged compaction kept", () => {
    const model = buildModel();
    model.check(
      see(
        [
          [2, put("a", "1")],
          [3, put("b", "1")],
        ],
        ab,
      ),
    );
    model.compactionSent(2);
    model.compactionAcknowledged(2);
    expect(
      model.check(
        see(
          [
            [2, put("a", "1")],
            [3, put("b", "1")],
          ],
          ab,
        ),
      ),
    ).toEqual(["compacted up to 0, but 2 was acknowledged"]);
  });

  it("allows one that was asked for, and no other", () => {
    const model = buildModel();
    model.check(
      see(
        [
          [2, put("a", "1")],
          [3, put("b", "1")],
        ],
        ab,
      ),
    );
    model.compactionSent(2);
    expect(model.check(see([[3, put("b", "1")]], ab, { compactRevision: 2 }))).toEqual([]);
    expect(model.check(see([], ab, { revision: 3, compactRevision: 3 }))).toEqual(["nobody asked to compact up to 3"]);
  });
});
