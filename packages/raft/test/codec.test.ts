import type { LogIndex, MemberId, Term } from "@quorate/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../src/codec/byte-writer.js";
import { decodeConfChange, encodeConfChange, entryKindOf } from "../src/codec/conf-change-codec.js";
import {
  decodeConfState,
  decodeEntry,
  decodeHardState,
  decodeSnapshotMetadata,
  encodeConfState,
  encodeEntry,
  encodeHardState,
  encodeSnapshotMetadata,
} from "../src/codec/entry-codec.js";
import { EntryEncoder } from "../src/codec/entry-encoder.js";
import { decodeMessage, encodeMessage, MessageEncoder } from "../src/codec/message-codec.js";
import type { ConfChange, ConfState } from "../src/conf-change.js";
import type { Entry, EntryId, HardState } from "../src/entry.js";
import type { RaftMessage } from "../src/message.js";
import { RaftError } from "../src/raft-error.js";

const counter = fc.oneof(fc.nat(300), fc.maxSafeNat());
const index = counter as fc.Arbitrary<LogIndex>;
const term = counter as fc.Arbitrary<Term>;
const member = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }) as fc.Arbitrary<MemberId>;
const data = fc.uint8Array({ maxLength: 40 });
const entryId: fc.Arbitrary<EntryId> = fc.record({ index, term });
const members = fc.array(member, { maxLength: 4 });
const confState: fc.Arbitrary<ConfState> = fc.record({
  voters: members,
  votersOutgoing: members,
  learners: members,
  learnersNext: members,
  autoLeave: fc.boolean(),
});
const memberChange = fc.record({ kind: fc.constantFrom("add-voter", "add-learner", "remove", "update"), member });
const confChange: fc.Arbitrary<ConfChange> = fc.oneof(
  fc.record({ version: fc.constant(1 as const), change: memberChange, context: data }),
  fc.record({
    version: fc.constant(2 as const),
    transition: fc.constantFrom("auto", "implicit", "explicit"),
    changes: fc.array(memberChange, { maxLength: 3 }),
    context: data,
  }),
);
const entry: fc.Arbitrary<Entry> = fc.record({
  index,
  term,
  kind: fc.constantFrom("normal", "conf-change", "conf-change-v2"),
  data,
});
const hardState: fc.Arbitrary<HardState> = fc.record({
  term,
  vote: fc.option(member, { nil: undefined }),
  commit: index,
});

const appends = fc
  .record({
    term,
    previous: fc.record({ index: fc.nat(1_000_000), term }),
    commit: index,
    contents: fc.array(entry, { maxLength: 4 }),
  })
  .map(({ term: ofTerm, previous, commit, contents }): RaftMessage => {
    const entries = contents.map((content, i) => ({ ...content, index: (previous.index + 1 + i) as LogIndex }));
    return { kind: "append", term: ofTerm, previous: previous as EntryId, commit, entries };
  });
const proposed = fc.oneof(
  data.map((bytes) => ({ kind: "normal" as const, data: bytes })),
  confChange.map((change) => ({ kind: entryKindOf(change), data: encodeConfChange(change) })),
);
const rejection = fc.record({
  hint: index,
  hintTerm: fc.option(fc.nat(1_000_000) as fc.Arbitrary<Term>, { nil: undefined }),
});
const read = fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { nil: undefined });
const snapshot = fc.record({ index, term, confState, data });
const isGranted = fc.boolean();
const kind = <Kind extends string>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);
const message: fc.Arbitrary<RaftMessage> = fc.oneof(
  appends,
  fc.record({ kind: kind("append-response"), term, index, rejection: fc.option(rejection, { nil: undefined }) }),
  fc.record({ kind: kind("vote"), term, last: entryId, isTransfer: fc.boolean() }),
  fc.record({ kind: kind("pre-vote"), term, last: entryId }),
  fc.record({ kind: kind("vote-response"), term, isGranted }),
  fc.record({ kind: kind("pre-vote-response"), term, isGranted }),
  fc.record({ kind: kind("snapshot"), term, snapshot }),
  fc.record({ kind: kind("heartbeat"), term, commit: index, read }),
  fc.record({ kind: kind("heartbeat-response"), term, read }),
  fc.record({ kind: kind("timeout-now"), term }),
  fc.record({ kind: kind("transfer"), term, transferee: member }),
  fc.record({ kind: kind("propose"), entries: fc.array(proposed, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: kind("read-index"), context: data }),
  fc.record({ kind: kind("read-index-response"), term, index, context: data }),
);

const codecs: readonly Readonly<{
  name: string;
  bytes: fc.Arbitrary<Uint8Array>;
  decode: (bytes: Uint8Array) => unknown;
}>[] = [
  { name: "decodeMessage", bytes: message.map(encodeMessage), decode: decodeMessage },
  { name: "decodeEntry", bytes: entry.map(encodeEntry), decode: decodeEntry },
  { name: "decodeHardState", bytes: hardState.map(encodeHardState), decode: decodeHardState },
  { name: "decodeConfState", bytes: confState.map(encodeConfState), decode: decodeConfState },
  { name: "decodeSnapshotMetadata", bytes: snapshot.map(encodeSnapshotMetadata), decode: decodeSnapshotMetadata },
];

/** Runs a decoder on bytes that may be anything: it answers or refuses with its own error, within what it was given. */
function decodesOrRefuses(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!(error instanceof RaftError) || error.fault.code !== "raft/malformed") throw error;
    expect(error.fault.offset).toBeLessThanOrEqual(bytes.length);
  }
}

describe("the codec", () => {
  it("reads back every message", () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeMessage(encodeMessage(value))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it("writes the same with an encoder that keeps the entries of the message before", () => {
    const encoder = new MessageEncoder();
    fc.assert(
      fc.property(message, term, (value, otherTerm) => {
        expect(encoder.encode(value)).toEqual(encodeMessage(value));
        if (value.kind !== "append") return;
        const next = { ...value, term: otherTerm };
        expect(encoder.encode(next)).toEqual(encodeMessage(next));
        const [parts, again] = [encoder.encodeParts(next), encoder.encodeParts(value)];
        expect(new Uint8Array(Buffer.concat(parts))).toEqual(encodeMessage(next));
        expect(again.at(-1) === parts.at(-1)).toBe(value.entries.length > 0);
      }),
    );
  });

  it("writes the same out of shared memory, entry after entry", () => {
    fc.assert(
      fc.property(fc.array(entry), fc.nat(20_000), (list, size) => {
        const encoder = new EntryEncoder();
        const all = [...list, ...list.map((one) => ({ ...one, data: new Uint8Array(size) }))];
        const encoded = all.map((one) => encoder.encode(one));
        expect(encoded).toEqual(all.map(encodeEntry));
      }),
      { numRuns: 30 },
    );
  });

  it("reads back entries, hard states, configurations and snapshots", () => {
    fc.assert(
      fc.property(entry, (value) => {
        expect(decodeEntry(encodeEntry(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(hardState, (value) => {
        expect(decodeHardState(encodeHardState(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(confState, (value) => {
        expect(decodeConfState(encodeConfState(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(snapshot, ({ data: _, ...value }) => {
        expect(decodeSnapshotMetadata(encodeSnapshotMetadata(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(confChange, (value) => {
        expect(decodeConfChange(entryKindOf(value), encodeConfChange(value))).toEqual(value);
      }),
    );
  });

  it("reads bytes as views of what it was given", () => {
    const bytes = encodeEntry({
      index: 7 as LogIndex,
      term: 2 as Term,
      kind: "normal",
      data: new Uint8Array([1, 2, 3]),
    });
    const { data: view } = decodeEntry(bytes);
    expect(view.buffer).toBe(bytes.buffer);
    const inside = new Uint8Array([9, ...bytes, 9]).subarray(1, bytes.length + 1);
    expect(decodeEntry(inside).data).toEqual(new Uint8Array([1, 2, 3]));
  });

  it("writes what earlier versions wrote", () => {
    const id = 0x8899_aabb_ccdd_eeffn as MemberId;
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    const one: Entry = { index: 300 as LogIndex, term: 2 as Term, kind: "normal", data: new Uint8Array([0xab]) };
    expect(hex(encodeEntry(one))).toBe("010002ac02ab");
    expect(hex(encodeHardState({ term: 2 as Term, vote: id, commit: 5 as LogIndex }))).toBe("010205ffeeddccbbaa9988");
    const previous = { index: 299 as LogIndex, term: 1 as Term };
    const append: RaftMessage = { kind: "append", term: 2 as Term, previous, entries: [one], commit: 4 as LogIndex };
    expect(hex(encodeMessage(append))).toBe("01000201ab020401000201ab");
    const change: ConfChange = { version: 1, change: { kind: "remove", member: id }, context: new Uint8Array([7]) };
    expect(hex(encodeConfChange(change))).toBe("02ffeeddccbbaa998807");
  });

  for (const { name, bytes, decode } of codecs) {
    it(`${name} refuses every beginning of what was written, or reads it as something shorter`, () => {
      fc.assert(
        fc.property(bytes, (whole) => {
          for (let length = 0; length < whole.length; length++) decodesOrRefuses(decode, whole.subarray(0, length));
        }),
      );
    });

    it(`${name} refuses noise without harm`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => decodesOrRefuses(decode, noise)));
      fc.assert(
        fc.property(bytes, fc.nat(), fc.nat(255), (whole, place, value) => {
          const changed = whole.slice();
          changed[place % whole.length] = value;
          decodesOrRefuses(decode, changed);
        }),
      );
    });

    it(`${name} refuses another format version`, () => {
      fc.assert(
        fc.property(bytes, (whole) => {
          const changed = whole.slice();
          changed[0] = 2;
          expect(() => decode(changed)).toThrow("format version 2 is not 1");
        }),
      );
    });
  }

  it("names subject, offset and problem", () => {
    const bytes = encodeHardState({ term: 2 as Term, vote: undefined, commit: 5 as LogIndex });
    const refused = (damaged: Uint8Array): unknown => {
      try {
        return decodeHardState(damaged);
      } catch (error) {
        return (error as RaftError).fault;
      }
    };
    const head = { code: "raft/malformed", subject: "hard state" };
    expect(refused(bytes.subarray(0, 4))).toEqual({ ...head, offset: 3, problem: "ends too early" });
    expect(refused(new Uint8Array([...bytes, 0]))).toEqual({ ...head, offset: 11, problem: "bytes are left over" });
    const long = new Uint8Array([1, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
    expect(refused(long)).toEqual({ ...head, offset: 1, problem: "a number is too long" });
  });

  it("refuses a count that cannot be true before it makes room for it", () => {
    const huge = new Uint8Array([1, 0, 1, 0, 0, 0, 255, 255, 255, 255, 127]);
    expect(() => decodeMessage(huge)).toThrow("a count is larger than what follows");
  });

  it("refuses entries whose indexes no number can hold", () => {
    const writer = new ByteWriter();
    for (const byte of [1, 0, 1, 0]) writer.byte(byte);
    writer.varint(Number.MAX_SAFE_INTEGER);
    for (const byte of [0, 1, 0, 1, 0]) writer.byte(byte);
    expect(() => decodeMessage(writer.finish())).toThrow("an index is too large");
  });

  it("refuses a forwarded conf change that a leader could not read", () => {
    const garbled: RaftMessage = { kind: "propose", entries: [{ kind: "conf-change", data: new Uint8Array([1]) }] };
    expect(() => decodeMessage(encodeMessage(garbled))).toThrow("raft/malformed subject=conf change");
  });
});
