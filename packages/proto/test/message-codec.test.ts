import { describe, expect, it } from "vitest";
import {
  InternalRaftRequest,
  KeyValue,
  messages,
  PutRequest,
  services,
  TxnRequest,
  WatchRequest,
} from "../src/index.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("encode", () => {
  it("gives a buffer of exactly its size, and leaves out defaults", () => {
    const bytes = PutRequest.encode({ key: text("a"), value: text("b"), lease: 0n, prevKv: false });
    expect([...bytes]).toEqual([10, 1, 97, 18, 1, 98]);
    expect(bytes.buffer.byteLength).toBe(6);
  });

  it("writes negative int64 as ten bytes", () => {
    expect([...PutRequest.encode({ lease: -1n })]).toEqual([24, ...Array(9).fill(255), 1]);
  });

  it("writes a oneof member that holds its default", () => {
    const compare = { result: 0, target: 0, key: new Uint8Array(), rangeEnd: new Uint8Array() };
    const bytes = TxnRequest.encode({ compare: [{ ...compare, targetUnion: { kind: "modRevision", value: 0n } }] });
    expect([...bytes]).toEqual([10, 2, 48, 0]);
  });

  it("gives pooled results that stay as they are", () => {
    const first = PutRequest.encodePooled({ key: text("first") });
    const second = PutRequest.encodePooled({ key: text("second") });
    expect(PutRequest.decode(first).key).toEqual(text("first"));
    expect(PutRequest.decode(second).key).toEqual(text("second"));
  });
});

describe("decode", () => {
  it("fills in defaults and keeps 64 bits", () => {
    const message = { key: text("k"), modRevision: 9223372036854775807n, lease: -9223372036854775808n };
    expect(KeyValue.decode(KeyValue.encode(message))).toEqual(KeyValue.create(message));
  });

  it("gives bytes as views of what was passed in", () => {
    const bytes = PutRequest.encode({ key: text("key"), value: text("value") });
    const message = PutRequest.decode(bytes);
    expect(message.value.buffer).toBe(bytes.buffer);
    expect(message.value.byteOffset).toBe(7);
  });

  it("reads a part of the array", () => {
    const bytes = Uint8Array.of(255, 255, ...PutRequest.encode({ key: text("key") }), 255);
    expect(PutRequest.decode(bytes, 2, bytes.length - 1).key).toEqual(text("key"));
  });

  it("reads a oneof as kind and value", () => {
    const bytes = WatchRequest.encode({ requestUnion: { kind: "cancelRequest", value: { watchId: 7n } } });
    expect(WatchRequest.decode(bytes).requestUnion).toEqual({ kind: "cancelRequest", value: { watchId: 7n } });
  });

  it("carries a batch of leases to revoke in the log's request", () => {
    const bytes = InternalRaftRequest.encode({
      leaseWork: { expired: [7587870152021180417n, -1n, 0n], checkpoints: [], term: 1n, seenIndex: 2n },
    });
    expect(InternalRaftRequest.decode(bytes).leaseWork?.expired).toEqual([7587870152021180417n, -1n, 0n]);
  });
});

describe("descriptors", () => {
  it("know every message and the routes", () => {
    expect(messages.get("etcdserverpb.LeaseCheckpoint")?.fields.map((field) => field.jsonName)).toEqual([
      "ID",
      "remainingTTL",
    ]);
    expect(services.get("etcdserverpb.KV")?.methods.find((method) => method.name === "Put")?.http[0]?.path).toBe(
      "/v3/kv/put",
    );
  });
});
