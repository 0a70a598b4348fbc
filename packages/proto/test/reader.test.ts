import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AuthUserListResponse,
  codecOf,
  InternalRaftRequest,
  KeyValue,
  LeaseWork,
  messages,
  ProtoError,
  PutRequest,
  RaftpbConfState,
  RaftpbHardState,
  RaftpbMessage,
  RangeResponse,
  TxnRequest,
  WatchCreateRequest,
  WatchRequest,
  Writer,
} from "../src/index.js";
import { messageArbitrary } from "./message-arbitrary.js";

const names = [...messages.keys()];
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** What decoding comes to: a message, or the reason why not. Anything but a ProtoError fails the test that asks. */
function outcome(name: string, bytes: Uint8Array, start?: number, end?: number): unknown {
  try {
    return codecOf(name).decode(bytes, start, end);
  } catch (error) {
    if (!(error instanceof ProtoError) || error.fault.code !== "proto/malformed") throw error;
    return error.fault.reason;
  }
}

function refuses(name: string, ...bytes: number[]): unknown {
  const result = outcome(name, Uint8Array.from(bytes));
  expect(typeof result).toBe("string");
  return result;
}

describe("damaged bytes", () => {
  it.each(names)("of %s: each beginning is a message or refused", (name) => {
    fc.assert(
      fc.property(messageArbitrary(name, 2), (message) => {
        const bytes = codecOf(name).encode(message);
        for (let end = 0; end < Math.min(bytes.length, 300); end++) outcome(name, bytes.subarray(0, end));
      }),
      { numRuns: 3, seed: 7 },
    );
  });

  it.each(names)("of %s: with some bytes changed", (name) => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(messageArbitrary(name, 2), changes, (message, list) => {
        const bytes = codecOf(name).encode(message);
        for (const [at, value] of list) if (bytes.length > 0) bytes[at % bytes.length] = value;
        outcome(name, bytes);
      }),
      { numRuns: 30, seed: 8 },
    );
  });

  it.each(names)("of %s: random ones, and nothing beyond the end is read", (name) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 12 }), (bytes, behind) => {
        const alone = outcome(name, bytes);
        const inside = Uint8Array.of(...behind, ...bytes, ...behind);
        expect(outcome(name, inside, behind.length, behind.length + bytes.length)).toStrictEqual(alone);
      }),
      { numRuns: 60, seed: 9 },
    );
  });

  it("a message cut anywhere but between fields is refused", () => {
    const bytes = PutRequest.encode({ key: text("key"), value: text("value"), lease: 2n ** 60n, prevKv: true });
    const whole = [0, 5, 12, 22, 24];
    for (let end = 0; end <= bytes.length; end++) {
      expect([end, typeof outcome("etcdserverpb.PutRequest", bytes.subarray(0, end))]).toEqual([
        end,
        whole.includes(end) ? "object" : "string",
      ]);
    }
  });

  it("says where and why", () => {
    expect(() => PutRequest.decode(Uint8Array.of(10, 1, 97, 18, 9, 98))).toThrowError(
      expect.objectContaining({ fault: { code: "proto/malformed", offset: 5, reason: "length beyond the end" } }),
    );
  });

  it("a decode that failed leaves nothing behind for the next one", () => {
    refuses("raftpb.Message", 114, 2, 114, 9);
    expect(PutRequest.decode(Uint8Array.of(10, 1, 97)).key).toEqual(text("a"));
  });
});

describe("varints", () => {
  const longest = [255, 255, 255, 255, 255, 255, 255, 255, 255];

  it("may have bytes that are not needed", () => {
    expect(PutRequest.decode(Uint8Array.of(24, 0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00)).lease).toBe(
      5n,
    );
    expect(PutRequest.decode(Uint8Array.of(0x8a, 0x00, 0x81, 0x80, 0x00, 97)).key).toEqual(text("a"));
  });

  it("of more than 64 bits are refused", () => {
    expect(refuses("etcdserverpb.PutRequest", 24, ...longest, 2)).toBe("varint of more than 64 bits");
    expect(refuses("etcdserverpb.PutRequest", 24, ...longest, 0x81, 0)).toBe("varint of more than 64 bits");
  });

  it("of bool count as true when any of the 64 bits is set", () => {
    expect(PutRequest.decode(Uint8Array.of(32, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1)).prevKv).toBe(
      true,
    );
    expect(PutRequest.decode(Uint8Array.of(32, 0x80, 0)).prevKv).toBe(false);
  });

  it("of 32-bit fields lose their upper half", () => {
    const hash = codecOf("etcdserverpb.HashResponse");
    expect(hash.decode(Uint8Array.of(16, 0x81, 0x80, 0x80, 0x80, 0x10))).toMatchObject({ hash: 1 });
    expect(hash.decode(Uint8Array.of(16, 255, 255, 255, 255, 15))).toMatchObject({ hash: 2 ** 32 - 1 });
  });
});

describe("lengths", () => {
  it.each([
    [[10, 0x80]],
    [[10, 2, 97]],
    [[10, 255, 255, 255, 255, 7]],
    [[10, 255, 255, 255, 255, 15]],
    [[10, 255, 255, 255, 255, 255, 255, 255, 255, 127]],
    [[10, 0x81, 0x80, 0x80, 0x80, 0x10, 97]],
    [[10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]],
  ])("%j is beyond the end", (bytes) => {
    refuses("etcdserverpb.PutRequest", ...bytes);
  });

  it("of an inner message bound what it reads", () => {
    // The inner key claims three bytes, but its message has room for one; the bytes behind belong to the outer one.
    refuses("etcdserverpb.RangeResponse", 18, 3, 10, 3, 97, 24, 1);
    // A varint must not run over the end of its message either.
    refuses("etcdserverpb.RangeResponse", 18, 2, 16, 0x80, 24, 1);
  });
});

describe("unknown fields", () => {
  const known = [10, 1, 97];
  const decoded = PutRequest.decode(Uint8Array.from(known));

  it.each([
    ["varint", [0x98, 0x06, 0x96, 0x01]],
    ["eight bytes", [0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]],
    ["length-delimited", [0x9a, 0x06, 2, 10, 9]],
    ["four bytes", [0x9d, 0x06, 1, 2, 3, 4]],
    ["group", [0x9b, 0x06, 10, 1, 98, 0x9c, 0x06]],
    ["group in a group", [0x9b, 0x06, 0xa3, 0x06, 0xa4, 0x06, 0x9c, 0x06]],
    ["highest field number", [0xf8, 0xff, 0xff, 0xff, 0x0f, 1]],
    ["known number with another wire type", [8, 1, 13, 1, 2, 3, 4, 26, 1, 1]],
  ])("%s is passed over", (_, bytes) => {
    expect(PutRequest.decode(Uint8Array.from([...bytes, ...known]))).toEqual(decoded);
    expect(PutRequest.decode(Uint8Array.from([...known, ...bytes]))).toEqual(decoded);
  });

  it.each([
    ["field number 0", [0, 1], "field number 0"],
    ["field number 0 with a length", [2, 0], "field number 0"],
    ["field number too high", [0x80, 0x80, 0x80, 0x80, 0x10, 0], "field number out of range"],
    ["wire type 6", [0x9e, 0x06], "unknown wire type"],
    ["wire type 7", [0x9f, 0x06], "unknown wire type"],
    ["end without begin", [0x9c, 0x06], "end of a group that did not begin"],
    ["group without end", [0x9b, 0x06, 8, 1], "group does not end"],
    ["group with the end of another", [0x9b, 0x06, 0xa4, 0x06], "end of a group that did not begin"],
    ["eight bytes cut", [0x99, 0x06, 1, 2, 3, 4, 5, 6, 7], "truncated"],
    ["four bytes cut", [0x9d, 0x06, 1, 2, 3], "truncated"],
  ])("%s is refused", (_, bytes, reason) => {
    expect(refuses("etcdserverpb.PutRequest", ...bytes)).toBe(reason);
  });
});

describe("repetition", () => {
  it("the last of several scalars counts", () => {
    const bytes = Uint8Array.of(10, 1, 97, 24, 5, 10, 1, 98, 24, 0);
    expect(PutRequest.decode(bytes)).toMatchObject({ key: text("b"), lease: 0n });
  });

  it("a message given twice is merged, its lists are joined", () => {
    const twice = [
      InternalRaftRequest.encode({ put: PutRequest.create({ key: text("a"), lease: 1n }) }),
      InternalRaftRequest.encode({ put: PutRequest.create({ value: text("v"), lease: 2n }) }),
      InternalRaftRequest.encode({ leaseWork: LeaseWork.create({ expired: [1n] }) }),
      InternalRaftRequest.encode({ leaseWork: LeaseWork.create({ expired: [2n] }) }),
    ];
    const message = InternalRaftRequest.decode(Uint8Array.from(twice.flatMap((one) => [...one])));
    expect(message.put).toEqual(PutRequest.create({ key: text("a"), value: text("v"), lease: 2n }));
    expect(message.leaseWork?.expired).toEqual([1n, 2n]);
  });

  it("the last member of a oneof counts; the same one twice is merged", () => {
    const create = (fields: Partial<WatchCreateRequest>): Uint8Array =>
      WatchRequest.encode({ requestUnion: { kind: "createRequest", value: WatchCreateRequest.create(fields) } });
    const cancel = WatchRequest.encode({ requestUnion: { kind: "cancelRequest", value: { watchId: 3n } } });
    const first = create({ key: text("a"), watchId: 1n });
    const second = create({ prevKv: true, watchId: 2n });
    expect(WatchRequest.decode(Uint8Array.of(...first, ...cancel)).requestUnion).toEqual({
      kind: "cancelRequest",
      value: { watchId: 3n },
    });
    expect(WatchRequest.decode(Uint8Array.of(...cancel, ...first, ...second)).requestUnion).toEqual({
      kind: "createRequest",
      value: WatchCreateRequest.create({ key: text("a"), watchId: 2n, prevKv: true }),
    });
  });

  it("numbers are read packed and one by one, whichever way they are written", () => {
    // filters is packed, voters is not.
    expect(WatchCreateRequest.encode({ filters: [0, 1] })).toEqual(Uint8Array.of(42, 2, 0, 1));
    expect(RaftpbConfState.encode({ voters: [1n, 2n] })).toEqual(Uint8Array.of(8, 1, 8, 2));
    expect(WatchCreateRequest.decode(Uint8Array.of(40, 0, 42, 2, 1, 0, 40, 1)).filters).toEqual([0, 1, 0, 1]);
    expect(RaftpbConfState.decode(Uint8Array.of(8, 1, 10, 2, 2, 3, 8, 4)).voters).toEqual([1n, 2n, 3n, 4n]);
    expect(refuses("raftpb.ConfState", 10, 2, 2, 0x80)).toBe("truncated");
  });
});

describe("presence in proto2", () => {
  it("tells absent from default", () => {
    expect(RaftpbHardState.decode(Uint8Array.of(16, 0))).toEqual({ term: undefined, vote: 0n, commit: undefined });
    expect(RaftpbHardState.encode({ vote: 0n })).toEqual(Uint8Array.of(16, 0));
  });

  it("keeps numbers of an enum that have no name", () => {
    expect(RaftpbMessage.decode(RaftpbMessage.encode({ type: 99 })).type).toBe(99);
  });
});

describe("views", () => {
  it("share the buffer that was passed in, at every depth", () => {
    const kv = KeyValue.create({ key: text("key"), value: text("value"), version: 1n });
    const encoded = RangeResponse.encode({ kvs: [kv, kv], count: 2n });
    const buffer = new ArrayBuffer(encoded.length + 20);
    const bytes = new Uint8Array(buffer, 7, encoded.length + 5);
    bytes.set(encoded, 3);
    const message = RangeResponse.decode(bytes, 3, 3 + encoded.length);
    for (const one of message.kvs) {
      expect(one.key.buffer).toBe(buffer);
      expect(one.value.buffer).toBe(buffer);
      expect(one.value).toEqual(text("value"));
    }
    bytes.fill(120);
    expect(message.kvs[0]?.key).toEqual(text("xxx"));
  });

  it("are plain arrays, of a Node Buffer too", () => {
    const message = PutRequest.decode(Buffer.from(PutRequest.encode({ key: text("key") })));
    expect(Object.getPrototypeOf(message.key)).toBe(Uint8Array.prototype);
    expect(message.value).toHaveLength(0);
  });
});

describe("strings", () => {
  const users = (bytes: Uint8Array): string[] => {
    const writer = new Writer();
    writer.tag(2, 2);
    writer.bytes(bytes);
    return AuthUserListResponse.decode(writer.finish()).users;
  };

  it.each(["", "root", "twelve chars", "thirteen char", "ü", "𝒳".repeat(40), "\ufefftext", "a\u0000b"])(
    "%j is kept",
    (value) => {
      expect(users(text(value))).toEqual([value]);
      expect(AuthUserListResponse.decode(AuthUserListResponse.encode({ users: [value] })).users).toEqual([value]);
    },
  );

  it.each([[[0xff]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[97, 0xe2, 0x82]]])("%j is not UTF-8", (bytes) => {
    expect(() => users(Uint8Array.from(bytes))).toThrow(ProtoError);
    expect(() => users(Uint8Array.from([...bytes, ...text("and more than twelve")]))).toThrow(ProtoError);
  });
});

describe("depth", () => {
  /** `levels` messages of field 14 (responses) inside each other, written from the innermost outwards. */
  function nestedMessages(levels: number): Uint8Array {
    const heads: Uint8Array[] = [];
    const writer = new Writer();
    let length = 0;
    for (let level = 0; level < levels; level++) {
      writer.reset();
      writer.tag(14, 2);
      writer.uint32(length);
      heads.push(writer.finish());
      length += writer.length;
    }
    return Uint8Array.from(heads.reverse().flatMap((head) => [...head]));
  }

  function nestedTransactions(levels: number): TxnRequest {
    let txn = TxnRequest.create();
    for (let level = 0; level < levels; level++) {
      txn = TxnRequest.create({ success: [{ request: { kind: "requestTxn", value: txn } }] });
    }
    return txn;
  }

  it("300 messages inside each other are read, 301 are refused", () => {
    expect(RaftpbMessage.decode(nestedMessages(300)).responses).toHaveLength(1);
    expect(outcome("raftpb.Message", nestedMessages(301))).toBe("nested too deep");
  });

  it("a bomb of 20,000 levels is refused", () => {
    expect(outcome("raftpb.Message", nestedMessages(20_000))).toBe("nested too deep");
  });

  it("groups count too", () => {
    const groups = (levels: number): Uint8Array =>
      Uint8Array.from([...Array(levels).fill([0x9b, 0x06]).flat(), ...Array(levels).fill([0x9c, 0x06]).flat()]);
    expect(outcome("etcdserverpb.PutRequest", groups(300))).toEqual(PutRequest.create());
    expect(outcome("etcdserverpb.PutRequest", groups(301))).toBe("nested too deep");
    expect(outcome("etcdserverpb.PutRequest", groups(100_000))).toBe("nested too deep");
  });

  it("the deepest transaction that is accepted can be logged and read again", () => {
    const deepest = TxnRequest.encode(nestedTransactions(150)); // etcd's own bound is 128
    const accepted = TxnRequest.decode(deepest);
    expect(outcome("etcdserverpb.TxnRequest", TxnRequest.encode(nestedTransactions(151)))).toBe("nested too deep");
    const logged = InternalRaftRequest.decode(InternalRaftRequest.encode({ txn: accepted }));
    expect(TxnRequest.encode(logged.txn!)).toEqual(deepest);
  });

  it("siblings do not add up", () => {
    const groups = Uint8Array.from(Array(500).fill([0x9b, 0x06, 0x9c, 0x06]).flat());
    expect(PutRequest.decode(groups)).toEqual(PutRequest.create());
    const kvs = Array.from({ length: 500 }, () => KeyValue.create());
    expect(RangeResponse.decode(RangeResponse.encode({ kvs })).kvs).toHaveLength(500);
  });
});

describe("bounds given by the caller", () => {
  it.each([
    [-1, 2],
    [2, 1],
    [0, 4],
    [Number.NaN, 2],
  ])("%d to %d of three bytes is a mistake of the program", (start, end) => {
    expect(() => PutRequest.decode(Uint8Array.of(10, 1, 97), start, end)).toThrow(RangeError);
  });
});
