import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { explanations } from "../report/explanations.mjs";
import { fillReadme } from "../report/page.mjs";
import { makeReport } from "../report.mjs";
import { rows } from "../rows.mjs";

describe("the report", () => {
  for (const [path, text] of Object.entries(makeReport())) {
    it(`of bench/results is what ${path} says`, () => {
      assert.equal(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"), text);
    });
  }

  it("explains each row of the benchmark, and no other", () => {
    assert.deepEqual(Object.keys(explanations).sort(), rows.map(({ id }) => id).sort());
  });
});

describe("fillReadme", () => {
  it("says when the README has no place for the table", () => {
    assert.throws(() => fillReadme("# Quorate", { rows: [] }), /no place for the table/);
  });
});
