import type { LogIndex, Term } from "@quorate/common";
import {
  decodeEntry,
  decodeMessage,
  type Entry,
  EntryEncoder,
  encodeEntry,
  encodeMessage,
  MessageEncoder,
  type RaftMessage,
} from "@quorate/raft";
import { describe, test } from "vitest";

const term = 7 as Term;
const entries: readonly Entry[] = Array.from({ length: 100 }, (_, i) => ({
  index: (1_000_001 + i) as LogIndex,
  term,
  kind: "normal",
  data: new Uint8Array(256).fill(i),
}));
const append: RaftMessage = {
  kind: "append",
  term,
  previous: { index: 1_000_000 as LogIndex, term },
  entries,
  commit: 999_999 as LogIndex,
};
const options = { time: 300, warmupTime: 100 };

describe("codec: entries of 256 B", () => {
  test("100 entries, one by one", async ({ bench }) => {
    const encoded = entries.map(encodeEntry);
    const encoder = new EntryEncoder();
    await bench.compare(
      bench("encodeEntry", () => {
        for (const entry of entries) encodeEntry(entry);
      }),
      bench("EntryEncoder", () => {
        for (const entry of entries) encoder.encode(entry);
      }),
      bench("decodeEntry", () => {
        for (const bytes of encoded) decodeEntry(bytes);
      }),
      options,
    );
  });

  test("an append of 100 entries", async ({ bench }) => {
    const encoder = new MessageEncoder();
    const encoded = encodeMessage(append);
    await bench.compare(
      bench("encodeMessage", () => {
        encodeMessage(append);
      }),
      bench("MessageEncoder, to a second follower", () => {
        encoder.encode(append);
      }),
      bench("decodeMessage", () => {
        decodeMessage(encoded);
      }),
      options,
    );
  });
});
