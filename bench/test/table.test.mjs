import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cellsOf, figure, markdownTable, median, ratiosOf, shown } from "../table.mjs";

const samples = (...values) => values.map((value) => ({ value }));

describe("median", () => {
  it("is the middle, or the mean of the two middle ones", () => {
    assert.equal(median([5, 1, 3]), 3);
    assert.equal(median([4, 1, 3, 2]), 2.5);
  });
});

describe("ratiosOf", () => {
  it("divides within a round, so that a slow minute of the machine is in both", () => {
    const row = { quorate: samples(100, 300), peer: samples(50, 100) };
    assert.deepEqual(ratiosOf(row), { median: 2.5, least: 2, most: 3 });
  });

  it("leaves out rounds that only one of the two had, and says nothing without any", () => {
    assert.deepEqual(ratiosOf({ quorate: samples(100, 300), peer: samples(50) }), { median: 2, least: 2, most: 2 });
    assert.equal(ratiosOf({ quorate: samples(100), peer: [] }), undefined);
  });
});

describe("figure", () => {
  it("says how far the rounds lie apart", () => {
    assert.deepEqual(figure(samples(90, 110)), { median: 100, spreadPercent: 20 });
    assert.equal(figure([]), undefined);
  });
});

describe("shown", () => {
  for (const [value, text] of [
    [0.1234, "0.123"],
    [1.234, "1.23"],
    [12.34, "12.3"],
    [1234.5, "1,235"],
  ]) {
    it(`writes ${value} as ${text}`, () => assert.equal(shown(value), text));
  }
});

describe("cellsOf", () => {
  it("says what share of all processors the generator took, and leaves empty what was not measured", () => {
    const quorate = [{ value: 2000, p50us: 500, p99us: 20_000, loadCores: 0.5 }];
    const cells = cellsOf({ name: "put", unit: "1/s", quorate, peer: [] }, 4);
    assert.deepEqual(cells, ["put", "1/s", "2,000", "", "", "0.50 / 20", "", "13%"]);
  });
});

describe("markdownTable", () => {
  it("has a line under its head", () => {
    assert.equal(markdownTable(["a", "b"], [["1", "2"]]), "| a | b |\n| --- | --- |\n| 1 | 2 |");
  });
});
