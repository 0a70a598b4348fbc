import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AlarmRequest,
  Compare,
  fromJson,
  type JsonValue,
  LeaseCheckpoint,
  messages,
  ProtoError,
  RangeRequest,
  TxnRequest,
  toJson,
} from "../src/index.js";
import { messageArbitrary } from "./message-arbitrary.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("toJson", () => {
  it("writes integers of 64 bits as text, bytes as base64, enums by name", () => {
    const message = RangeRequest.create({
      key: text("key"),
      limit: 2n ** 53n + 1n,
      sortOrder: 2,
      rangeEnd: Uint8Array.of(255, 254),
    });
    expect(toJson("etcdserverpb.RangeRequest", message, { fieldNames: "proto" })).toEqual({
      key: "a2V5",
      range_end: "//4=",
      limit: "9007199254740993",
      sort_order: "DESCEND",
    });
    expect(Object.keys(toJson("etcdserverpb.RangeRequest", message, { fieldNames: "json" }))).toEqual([
      "key",
      "rangeEnd",
      "limit",
      "sortOrder",
    ]);
  });

  it("writes defaults when asked", () => {
    const json = toJson("etcdserverpb.AlarmRequest", AlarmRequest.create(), { fieldNames: "proto", defaults: true });
    expect(json).toEqual({ action: "GET", memberID: "0", alarm: "NONE" });
    expect(toJson("etcdserverpb.AlarmRequest", AlarmRequest.create(), { fieldNames: "proto" })).toEqual({});
  });

  it("writes a oneof under the member's name, its default included", () => {
    const compare = Compare.create({ key: text("k"), targetUnion: { kind: "modRevision", value: 0n } });
    expect(
      toJson("etcdserverpb.TxnRequest", TxnRequest.create({ compare: [compare] }), { fieldNames: "proto" }),
    ).toEqual({
      compare: [{ key: "aw==", mod_revision: "0" }],
    });
  });

  it("keeps odd capitals", () => {
    const message = LeaseCheckpoint.create({ ID: 1n, remainingTTL: 2n });
    expect(toJson("etcdserverpb.LeaseCheckpoint", message, { fieldNames: "json" })).toEqual({
      ID: "1",
      remainingTTL: "2",
    });
    expect(toJson("etcdserverpb.LeaseCheckpoint", message, { fieldNames: "proto" })).toEqual({
      ID: "1",
      remaining_TTL: "2",
    });
  });

  it("writes the number of an enum value without a name", () => {
    expect(toJson("etcdserverpb.AlarmRequest", AlarmRequest.create({ action: 9 }), { fieldNames: "proto" })).toEqual({
      action: 9,
    });
  });

  it("refuses a name that nothing has", () => {
    expect(() => toJson("etcdserverpb.Nothing", {}, { fieldNames: "proto" })).toThrow(RangeError);
  });
});

describe("fromJson", () => {
  it.each([...messages.keys()])("reads what toJson wrote of %s", (name) => {
    fc.assert(
      fc.property(
        messageArbitrary(name),
        fc.constantFrom("proto", "json"),
        fc.boolean(),
        (message, fieldNames, defaults) => {
          const json = toJson(name, message, { fieldNames, defaults });
          expect(fromJson(name, JSON.parse(JSON.stringify(json)) as JsonValue)).toStrictEqual(message);
        },
      ),
      { numRuns: 20, seed: 10 },
    );
  });

  it("takes numbers for integers, numbers for enums, and null for absent", () => {
    expect(fromJson("etcdserverpb.RangeRequest", { limit: -5, sort_target: 3, key: null })).toEqual(
      RangeRequest.create({ limit: -5n, sortTarget: 3 }),
    );
  });

  const refused: readonly [string, string, JsonValue, string][] = [
    ["an unknown field", "etcdserverpb.RangeRequest", { keys: "" }, "$.keys"],
    ["a field under both names", "etcdserverpb.RangeRequest", { range_end: "", rangeEnd: "" }, "$.rangeEnd"],
    ["two members of a oneof", "etcdserverpb.Compare", { version: "1", lease: "1" }, "$.lease"],
    ["an int64 out of range", "etcdserverpb.RangeRequest", { limit: "9223372036854775808" }, "$.limit"],
    ["a negative uint64", "etcdserverpb.AlarmRequest", { memberID: "-1" }, "$.memberID"],
    ["a uint32 out of range", "etcdserverpb.HashResponse", { hash: 4294967296 }, "$.hash"],
    ["a number that is not exact", "etcdserverpb.RangeRequest", { limit: 2 ** 53 }, "$.limit"],
    ["a fraction", "etcdserverpb.RangeRequest", { limit: 1.5 }, "$.limit"],
    ["hexadecimal", "etcdserverpb.RangeRequest", { limit: "0x10" }, "$.limit"],
    ["empty text for an integer", "etcdserverpb.RangeRequest", { limit: "" }, "$.limit"],
    ["an unknown name of an enum", "etcdserverpb.RangeRequest", { sort_order: "UP" }, "$.sort_order"],
    ["text for a boolean", "etcdserverpb.RangeRequest", { keys_only: "true" }, "$.keys_only"],
    ["a number for a boolean", "authpb.UserAddOptions", { no_password: 1 }, "$.no_password"],
    ["a number for text", "etcdserverpb.AuthUserAddRequest", { name: 1 }, "$.name"],
    ["bad base64", "etcdserverpb.RangeRequest", { key: "a" }, "$.key"],
    ["base64 with white space", "etcdserverpb.RangeRequest", { key: "a2 5" }, "$.key"],
    ["a list for a value", "etcdserverpb.RangeRequest", { key: ["a2V5"] }, "$.key"],
    ["a value for a list", "etcdserverpb.TxnRequest", { compare: {} }, "$.compare"],
    ["null in a list", "etcdserverpb.TxnRequest", { compare: [null] }, "$.compare[0]"],
    ["text for a message", "etcdserverpb.TxnRequest", { compare: ["x"] }, "$.compare[0]"],
    [
      "something deep inside",
      "etcdserverpb.TxnRequest",
      { success: [{ request_put: { value: 1 } }] },
      "$.success[0].request_put.value",
    ],
    ["a list as the whole", "etcdserverpb.TxnRequest", [], "$"],
    ["a name from Object's prototype", "etcdserverpb.RangeRequest", { constructor: 1 }, "$.constructor"],
  ];

  it.each(refused)("refuses %s", (_, name, json, path) => {
    let fault: unknown;
    try {
      fromJson(name, json);
    } catch (error) {
      if (error instanceof ProtoError) fault = error.fault;
    }
    expect(fault).toMatchObject({ code: "proto/json", path });
  });

  it("refuses what nests too deep", () => {
    let json: JsonValue = {};
    for (let level = 0; level < 5000; level++) json = { responses: [json] };
    expect(() => fromJson("raftpb.Message", json)).toThrow(ProtoError);
  });
});
