import { describe, expect, it } from "vitest";
import { bytesToText, textToBytes } from "../../src/api/bytes-text.js";
import { decodeMessage, encodeMessage } from "../../src/api/message-json.js";
import { parseJson } from "../../src/json.js";
import { smallSchema as schema } from "../small-schema.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("encodeMessage", () => {
  const cases: [string, string, string, string][] = [
    ["defaults left out", "etcdserverpb.RangeRequest", '{"key": "", "limit": 0, "serializable": false}', ""],
    ["bytes as text", "etcdserverpb.RangeRequest", '{"key": "ab"}', "0a026162"],
    ["bytes as base64", "etcdserverpb.RangeRequest", '{"key": "b64:/w=="}', "0a01ff"],
    ["repeated bytes", "etcdserverpb.RangeRequest", '{"key": "rep:x:3"}', "0a03787878"],
    [
      "the largest int64 without quotes",
      "etcdserverpb.RangeRequest",
      '{"limit": 9223372036854775807}',
      "18ffffffffffffffff7f",
    ],
    ["a negative number", "etcdserverpb.RangeRequest", '{"limit": -1}', "18ffffffffffffffffff01"],
    ["an enum by name", "etcdserverpb.RangeRequest", '{"sort_order": "DESCEND"}', "2802"],
    ["an enum by a number without name", "etcdserverpb.RangeRequest", '{"sort_order": 9}', "2809"],
    ["a oneof member with its default", "etcdserverpb.WatchRequest", '{"version": 0}', "1000"],
    ["an empty message", "etcdserverpb.WatchRequest", '{"create_request": {}}', "0a00"],
    ["a list", "Numbers", '{"list": [1, 0]}', "08010800"],
  ];
  for (const [title, type, json, wanted] of cases) {
    it(`writes ${title}`, () => expect(hex(encodeMessage(schema, type, parseJson(json)))).toBe(wanted));
  }

  it("refuses fields that do not exist and values that do not fit", () => {
    expect(() => encodeMessage(schema, "mvccpb.KeyValue", { Key: "x" })).toThrow("mvccpb.KeyValue has no field Key");
    expect(() => encodeMessage(schema, "mvccpb.KeyValue", { lease: {} })).toThrow("a number is wanted");
    expect(() => encodeMessage(schema, "Numbers", { list: 1 })).toThrow("a list is wanted");
    expect(() => encodeMessage(schema, "Nope", {})).toThrow("no message Nope");
  });
});

describe("decodeMessage", () => {
  const cases: [string, string, string, object][] = [
    ["nothing", "etcdserverpb.RangeRequest", "", {}],
    ["an explicit default", "etcdserverpb.RangeRequest", "0a0018003800", {}],
    ["a oneof member with its default", "etcdserverpb.WatchRequest", "1000", { version: 0 }],
    ["an empty message", "etcdserverpb.WatchRequest", "0a00", { create_request: {} }],
    ["bytes that are not UTF-8", "mvccpb.KeyValue", "0a01ff", { key: "b64:/w==" }],
    ["bytes that look like a name", "mvccpb.KeyValue", "0a022461", { key: "b64:JGE=" }],
    ["2^53", "mvccpb.KeyValue", "308080808080808010", { lease: "9007199254740992" }],
    ["2^53-1", "mvccpb.KeyValue", "30ffffffffffffff0f", { lease: 9007199254740991 }],
    ["a negative int64", "mvccpb.KeyValue", "30ffffffffffffffffff01", { lease: -1 }],
    ["a negative int32", "Numbers", "10ffffffffffffffffff01", { small: -1 }],
    ["an enum", "etcdserverpb.RangeRequest", "2802", { sort_order: "DESCEND" }],
    ["an enum without name", "etcdserverpb.RangeRequest", "2809", { sort_order: 9 }],
    ["a list, packed and not", "Numbers", "0a0301ac020805", { list: [1, 300, 5] }],
    ["messages in a list", "etcdserverpb.RangeResponse", "120012030a016b", { kvs: [{}, { key: "k" }] }],
    ["a string that looks like a name", "Numbers", "1a022461", { text: "$a" }],
  ];
  for (const [title, type, bytes, wanted] of cases) {
    it(`reads ${title}`, () => expect(decodeMessage(schema, type, Buffer.from(bytes, "hex"))).toEqual(wanted));
  }

  it("refuses what is not the message", () => {
    expect(() => decodeMessage(schema, "mvccpb.KeyValue", Buffer.from("0a05", "hex"))).toThrow("too short");
    expect(() => decodeMessage(schema, "mvccpb.KeyValue", Buffer.from("3080", "hex"))).toThrow("varint");
    expect(() => decodeMessage(schema, "mvccpb.KeyValue", Buffer.from("0d00000000", "hex"))).toThrow("wire type 5");
    expect(() => decodeMessage(schema, "mvccpb.KeyValue", Buffer.from("7801", "hex"))).toThrow("no field number 15");
  });
});

describe("bytesToText", () => {
  for (const bytes of ["", "61", "00ff", "c3a4", "2461", "7265703a", "6236343a", "efbbbf61"]) {
    it(`and textToBytes are inverse for ${bytes === "" ? "nothing" : bytes}`, () => {
      expect(hex(textToBytes(bytesToText(Buffer.from(bytes, "hex"))))).toBe(bytes);
    });
  }
});
