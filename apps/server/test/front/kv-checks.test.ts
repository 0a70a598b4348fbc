import { DeleteRangeRequest, PutRequest, RangeRequest, type RequestOp, TxnRequest } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import {
  checkPut,
  checkRange,
  checkRangeStream,
  checkTxn,
  isReadOnly,
  isSerializable,
  putCost,
  txnCost,
} from "../../src/front/kv-checks.js";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const put = (key: string): RequestOp => ({
  request: { kind: "requestPut", value: PutRequest.create({ key: bytes(key) }) },
});
const remove = (key: string, rangeEnd = ""): RequestOp => ({
  request: {
    kind: "requestDeleteRange",
    value: DeleteRangeRequest.create({ key: bytes(key), rangeEnd: bytes(rangeEnd) }),
  },
});
const read = (key: string, serializable = false): RequestOp => ({
  request: { kind: "requestRange", value: RangeRequest.create({ key: bytes(key), serializable }) },
});
const nested = (success: RequestOp[], failure: RequestOp[] = []): RequestOp => ({
  request: { kind: "requestTxn", value: TxnRequest.create({ success, failure }) },
});
const codeOf = (success: RequestOp[], max = 128): string | undefined =>
  checkTxn(TxnRequest.create({ success }), max)?.code;

describe("checkRange", () => {
  it("looks at the key before the sort order", () => {
    expect(checkRange(RangeRequest.create({ sortOrder: 9 }))?.code).toBe("server/empty-key");
    expect(checkRange(RangeRequest.create({ key: bytes("a"), sortOrder: 3 }))?.code).toBe("server/invalid-sort");
    expect(checkRange(RangeRequest.create({ key: bytes("a"), sortTarget: 5 }))?.code).toBe("server/invalid-sort");
    expect(checkRange(RangeRequest.create({ key: bytes("a"), sortTarget: -1 }))?.code).toBe("server/invalid-sort");
    expect(checkRange(RangeRequest.create({ key: bytes("a"), sortOrder: 2, sortTarget: 4 }))).toBeUndefined();
  });
});

describe("checkRangeStream", () => {
  it("takes key order only, and no filters", () => {
    const of = (fields: Partial<RangeRequest>): string | undefined =>
      checkRangeStream(RangeRequest.create({ key: bytes("a"), ...fields }))?.code;
    expect(of({ sortOrder: 2 })).toBe("server/range-stream-sort");
    expect(of({ sortOrder: 1, sortTarget: 1 })).toBe("server/range-stream-sort");
    expect(of({ sortOrder: 0, sortTarget: 4 })).toBeUndefined();
    expect(of({ maxCreateRevision: 1n })).toBe("server/range-stream-filter");
    expect(of({ minModRevision: -1n, sortOrder: 2 })).toBe("server/range-stream-sort");
  });
});

describe("checkPut", () => {
  it("looks at key, value and lease in this order", () => {
    const both = { value: bytes("v"), lease: 1n, ignoreValue: true, ignoreLease: true };
    expect(checkPut(PutRequest.create(both))?.code).toBe("server/empty-key");
    expect(checkPut(PutRequest.create({ key: bytes("a"), ...both }))?.code).toBe("server/value-provided");
    expect(checkPut(PutRequest.create({ key: bytes("a"), lease: 1n, ignoreLease: true }))?.code).toBe(
      "server/lease-provided",
    );
    expect(checkPut(PutRequest.create({ key: bytes("a"), ignoreValue: true, ignoreLease: true }))).toBeUndefined();
  });
});

describe("checkTxn", () => {
  it("counts the longest list of each level against what the levels above left", () => {
    const many = Array.from({ length: 3 }, (_, i) => put(`k${i}`));
    expect(codeOf(many, 3)).toBeUndefined();
    expect(codeOf(many, 2)).toBe("server/too-many-operations");
    expect(codeOf([nested(many)], 4)).toBeUndefined();
    expect(codeOf([nested(many)], 3)).toBe("server/too-many-operations");
  });

  it("refuses an operation without a request and an empty key at any depth", () => {
    expect(codeOf([{ request: undefined }])).toBe("server/key-not-found");
    expect(codeOf([nested([nested([put("")])])])).toBe("server/empty-key");
  });

  const overlaps: [string, RequestOp[], boolean][] = [
    ["one key put twice", [put("a"), put("a")], true],
    ["a key put and deleted", [put("a"), remove("a")], true],
    ["a key put inside a deleted range", [remove("a", "c"), put("b")], true],
    ["a key put at the end of a deleted range", [remove("a", "c"), put("c")], false],
    ["a delete of everything from a key on, which etcd takes for an empty range", [put("b"), remove("a", "\0")], false],
    ["two deletes that overlap", [remove("a", "z"), remove("b")], false],
    ["a key put in both branches of a nested transaction", [nested([put("a")], [put("a")])], false],
    ["a key put in a nested transaction and beside it", [nested([put("a")]), put("a")], true],
    ["a key put in two nested transactions", [nested([put("a")]), nested([], [put("a")])], true],
    ["a key put twice in the branch not taken", [nested([], [put("a"), put("a")])], true],
    ["a key put beside a nested delete of it", [nested([remove("a", "b")]), put("a")], true],
    ["a nested put beside a delete of it", [nested([put("a")]), remove("a")], true],
  ];
  for (const [name, success, isRefused] of overlaps) {
    it(`${isRefused ? "refuses" : "lets through"} ${name}`, () => {
      expect(codeOf(success)).toBe(isRefused ? "server/duplicate-key" : undefined);
    });
  }
});

describe("isReadOnly", () => {
  it("takes a transaction without operations for a read, and a nested one for a write", () => {
    expect(isReadOnly(TxnRequest.create({}))).toBe(true);
    expect(isReadOnly(TxnRequest.create({ success: [read("a")] }))).toBe(true);
    expect(isReadOnly(TxnRequest.create({ success: [nested([read("a")])] }))).toBe(false);
    expect(isReadOnly(TxnRequest.create({ failure: [put("a")] }))).toBe(false);
  });

  it("is serializable when every range is", () => {
    expect(isSerializable(TxnRequest.create({}))).toBe(true);
    expect(isSerializable(TxnRequest.create({ success: [read("a", true), read("b")] }))).toBe(false);
  });
});

describe("costs against the quota", () => {
  it("are 256 bytes, key and value for a put, and the dearer branch of a transaction", () => {
    const request = PutRequest.create({ key: bytes("abc"), value: bytes("1234") });
    expect(putCost(request)).toBe(263);
    const op: RequestOp = { request: { kind: "requestPut", value: request } };
    expect(txnCost(TxnRequest.create({ success: [op, nested([op])], failure: [op] }))).toBe(526);
    expect(txnCost(TxnRequest.create({ success: [read("a"), remove("a")] }))).toBe(0);
  });
});
