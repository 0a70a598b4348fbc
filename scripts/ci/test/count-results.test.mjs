import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countResults } from "../count-results.mjs";

const cases = [
  [
    "vitest",
    "\u001b[2m      Tests \u001b[22m \u001b[1m\u001b[32m12 passed\u001b[39m\u001b[22m\u001b[90m (12)\u001b[39m",
    12,
    0,
    0,
  ],
  ["vitest with failures", "      Tests  1 failed | 3 passed | 2 skipped | 4 todo (10)", 3, 1, 6],
  ["vitest in turbo's output", "@quorate/wal:test:       Tests  5 passed (5)", 5, 0, 0],
  ["files are not tests", " Test Files  1 failed | 2 passed (3)", 0, 0, 0],
  ["node's runner", "ℹ tests 9\nℹ pass 5\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 1", 5, 2, 2],
  ["a plain line", "8 passed, 1 failed, 2 skipped\n3 passed, 0 failed", 11, 1, 2],
  ["a line that only looks like one", "it says 8 passed, 1 failed", 0, 0, 0],
  ["several runs", "Tests  5 passed (5)\n@quorate/x:test: Tests  2 failed (2)\n1 passed, 0 failed", 6, 2, 0],
];

describe("countResults", () => {
  for (const [title, output, passed, failed, skipped] of cases) {
    it(`reads ${title}`, () => assert.deepEqual(countResults(output), { passed, failed, skipped }));
  }
});
