import { InternalRaftRequest, PutRequest } from "@quorate/proto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EntryField, encodeEntry, varintLength, viewEntry, writeVarint } from "../../src/core/entry-codec.js";

const serials = fc.oneof(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.integer({ min: 0, max: 300 }));
const members = fc.integer({ min: 0, max: 0xffff });

describe("encodeEntry", () => {
  it("writes what the protobuf codec of the internal request writes, for any id", () => {
    fc.assert(
      fc.property(members, serials, fc.uint8Array({ maxLength: 400 }), (member, serial, value) => {
        const put = PutRequest.create({ key: new Uint8Array([1]), value });
        const ID = (BigInt(member) << 48n) | BigInt(serial);
        const entry = encodeEntry(EntryField.put, PutRequest.encode(put), { member, serial });
        const header = { ID, username: "", authRevision: 0n };
        expect(Buffer.from(entry)).toEqual(
          Buffer.from(InternalRaftRequest.encode({ put, header: ID === 0n ? { ...header, ID: 0n } : header })),
        );
      }),
      {
        examples: [
          [1, 0, new Uint8Array(0)],
          [0xffff, 2 ** 48 - 1, new Uint8Array(3)],
          [0, 1, new Uint8Array(0)],
        ],
      },
    );
  });

  it("copies the request, so that the caller may use its buffer again", () => {
    const body = new Uint8Array([10, 1, 97]);
    const entry = encodeEntry(EntryField.put, body, { member: 1, serial: 1 });
    body.fill(0);
    expect(entry.subarray(2, 5)).toEqual(new Uint8Array([10, 1, 97]));
  });
});

describe("viewEntry", () => {
  it("finds the request and the id of every entry", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(EntryField)),
        members,
        serials,
        fc.uint8Array(),
        (field, member, serial, body) => {
          const data = encodeEntry(field, body, { member, serial });
          const view = viewEntry(data);
          expect(view).toMatchObject({ field, member, serial });
          expect(data.subarray(view.start, view.end)).toEqual(body);
        },
      ),
    );
  });

  it("knows a leader's empty entry", () => {
    expect(viewEntry(new Uint8Array(0)).field).toBe(0);
  });

  it("stops at an entry whose request goes beyond its end", () => {
    const data = encodeEntry(EntryField.put, new Uint8Array(10), { member: 1, serial: 1 });
    expect(() => viewEntry(data.subarray(0, 5))).toThrow("broken invariant: a request ends inside its entry");
  });
});

describe("writeVarint", () => {
  it("writes whole numbers up to 2^53 as long as varintLength says", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const out = new Uint8Array(10);
        const end = writeVarint(out, 0, value);
        expect(end).toBe(varintLength(value));
        let read = 0n;
        for (let i = end - 1; i >= 0; i--) read = (read << 7n) | BigInt((out[i] as number) & 0x7f);
        expect(read).toBe(BigInt(value));
      }),
    );
  });
});
