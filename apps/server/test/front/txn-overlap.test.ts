import { compareBytes } from "@quorate/common";
import { RequestOp } from "@quorate/proto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findOverlap } from "../../src/front/txn-overlap.js";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const put = (key: string): RequestOp =>
  RequestOp.create({ request: { kind: "requestPut", value: { key: bytes(key) } as never } });
const remove = (key: string, end = ""): RequestOp =>
  RequestOp.create({
    request: { kind: "requestDeleteRange", value: { key: bytes(key), rangeEnd: bytes(end) } as never },
  });
const nest = (success: RequestOp[], failure: RequestOp[] = []): RequestOp =>
  RequestOp.create({ request: { kind: "requestTxn", value: { compare: [], success, failure } } });

type Plain = { puts: Uint8Array[]; deletions: { start: Uint8Array; end: Uint8Array }[] };
const isIn = (keys: readonly Uint8Array[], key: Uint8Array): boolean =>
  keys.some((one) => compareBytes(one, key) === 0);

/** errors.md's rule, every write compared with every other. Undefined: two overlap. */
function plainTouched(operations: readonly RequestOp[]): Plain | undefined {
  const touched: Plain = { puts: [], deletions: [] };
  const add = (keys: readonly Uint8Array[]): boolean => {
    for (const key of keys) {
      const isDeleted = touched.deletions.some(({ start, end }) =>
        compareBytes(start, key) === 0 && end.length === 0
          ? true
          : compareBytes(key, start) >= 0 && compareBytes(key, end) < 0,
      );
      if (isIn(touched.puts, key) || isDeleted) return false;
    }
    touched.puts.push(...keys);
    return true;
  };
  for (const { request } of operations) {
    if (request?.kind !== "requestDeleteRange") continue;
    touched.deletions.push({ start: request.value.key, end: request.value.rangeEnd });
  }
  for (const { request } of operations) {
    if (request?.kind !== "requestTxn") continue;
    const first = plainTouched(request.value.success);
    const second = plainTouched(request.value.failure);
    if (first === undefined || second === undefined) return undefined;
    const others = second.puts.filter((key) => !isIn(first.puts, key));
    if (!add([...first.puts, ...others])) return undefined;
    touched.deletions.push(...first.deletions, ...second.deletions);
  }
  for (const { request } of operations) {
    if (request?.kind === "requestPut" && !add([request.value.key])) return undefined;
  }
  return touched;
}

const key = fc.constantFrom("a", "ab", "a\0", "b", "c", "d", "e", "f", "\xff", "\xfe\xff");
const { operations } = fc.letrec<{ operations: RequestOp[]; operation: RequestOp }>((tie) => ({
  operation: fc.oneof(
    { weight: 4, arbitrary: key.map(put) },
    {
      weight: 2,
      arbitrary: fc.tuple(key, fc.oneof(fc.constantFrom("", "\0"), key)).map(([from, to]) => remove(from, to)),
    },
    { weight: 2, arbitrary: fc.tuple(tie("operations"), tie("operations")).map(([yes, no]) => nest(yes, no)) },
  ),
  operations: fc.array(tie("operation"), { maxLength: 4, depthIdentifier: "txn" }),
}));

describe("findOverlap", () => {
  it("finds what comparing every write with every other finds", () => {
    let overlapping = 0;
    const property = fc.property(operations, (list) => {
      const expected = plainTouched(list) === undefined ? { code: "server/duplicate-key" } : undefined;
      if (expected !== undefined) overlapping += 1;
      expect(findOverlap(list)).toEqual(expected);
    });
    fc.assert(property, { numRuns: 3000 });
    expect(overlapping).toBeGreaterThan(300);
    expect(overlapping).toBeLessThan(2700);
  });

  it("takes the largest request there can be in its stride", () => {
    // Comparing each with each would take minutes: this is 85,000 writes, half of them deletions, in 42 times 24 transactions.
    let number = 0;
    const leaf = (_: unknown, i: number): RequestOp => {
      number += 1;
      return i % 2 === 0
        ? put(`p${number.toString(36)}`)
        : remove(`q${number.toString(36)}`, `q${number.toString(36)}\x01`);
    };
    const leaves = (): RequestOp[] => Array.from({ length: 42 }, leaf);
    const list = Array.from({ length: 42 }, () => nest(Array.from({ length: 24 }, () => nest(leaves(), leaves()))));
    expect(findOverlap(list)).toBeUndefined();
    expect(findOverlap([...list, put(`q${number.toString(36)}`)])).toEqual({ code: "server/duplicate-key" });
    expect(findOverlap([...list, put("p1")])).toEqual({ code: "server/duplicate-key" });
  });
});
