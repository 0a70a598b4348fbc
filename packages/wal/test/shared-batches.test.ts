import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchBufferBytes } from "../src/batch-buffer.js";
import { batchRecordBytes, getUint32, getUint53, recordBytes, recordHeaderBytes } from "../src/format.js";
import { SharedBatchesOwner, SharedBatchesTaker, type SlotMemory } from "../src/shared-batches.js";
import { buildEntry } from "./fixtures.js";

function build(pendingBytesMax = 1 << 25): {
  owner: SharedBatchesOwner;
  taker: SharedBatchesTaker;
  receive: () => void;
} {
  const sent: SlotMemory[] = [];
  const owner = new SharedBatchesOwner({ pendingBytesMax }, (memory) => sent.push(memory));
  const taker = new SharedBatchesTaker(owner.control);
  const receive = (): void => {
    for (const message of sent.splice(0)) taker.setMemory(message);
  };
  return { owner, taker, receive };
}

/** `index=length` of each record of a batch. */
function records(bytes: Uint8Array, used: number): string[] {
  const found: string[] = [];
  for (let at = batchRecordBytes; at < used; at += recordBytes(getUint32(bytes, at + 4))) {
    const length = getUint32(bytes, at + 4);
    const data = bytes.subarray(at + recordHeaderBytes, at + recordHeaderBytes + length);
    const isWhole = data.every((byte) => byte === (length & 127) + 1);
    found.push(`${getUint53(bytes, at + 12)}=${isWhole ? length : "damaged"}`);
  }
  return found;
}

describe("SharedBatches", () => {
  it("hands over every append once and in order, however filling and taking alternate", () => {
    const anyStep = fc.oneof(
      fc.constant("take" as const),
      fc.oneof({ weight: 20, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(3 * batchBufferBytes) }),
    );
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const { owner, taker, receive } = build();
        const given: string[] = [];
        const taken: string[] = [];
        let appends = 0;
        let index = 0;
        const take = (): void => {
          const batch = taker.take(receive);
          if (batch === undefined) return;
          expect(batch.appends).toBeGreaterThan(0);
          appends += batch.appends;
          taken.push(...records(batch.bytes, batch.used));
        };
        for (const step of steps) {
          if (step === "take") {
            take();
            continue;
          }
          index += 1;
          const entry = buildEntry(index);
          owner.add({ entries: [{ ...entry, data: new Uint8Array(step).fill((step & 127) + 1) }], mustSync: false });
          given.push(`${index}=${step}`);
        }
        take();
        take();
        expect(taken).toEqual(given);
        expect(appends).toBe(index);
      }),
      { numRuns: 200 },
    );
  });

  it("says whether any of the appends has to be synced, and counts those that carry nothing", () => {
    const { owner, taker, receive } = build();
    owner.add({ entries: [buildEntry(1)], mustSync: false });
    owner.add({ entries: [], mustSync: true });
    owner.add({ entries: [], mustSync: false });
    expect(taker.take(receive)).toMatchObject({ appends: 3, mustSync: true });
    owner.add({ entries: [], mustSync: false });
    expect(taker.take(receive)).toMatchObject({ appends: 1, mustSync: false, used: 0 });
    expect(taker.take(receive)).toBeUndefined();
  });

  it("changes the signal with every append, and does not sleep when it has changed", () => {
    const { owner, taker } = build();
    const { signal } = taker;
    owner.add({ entries: [], mustSync: false });
    expect(taker.signal).not.toBe(signal);
    expect(taker.wait(signal, 60_000)).toBe(true);
    expect(taker.wait(taker.signal, 0)).toBe(false);
  });

  it("keeps what was there when one more would be too much", () => {
    const { owner, taker, receive } = build(2 * batchBufferBytes);
    const large = { ...buildEntry(1), data: new Uint8Array(1.5 * batchBufferBytes).fill(1) };
    owner.add({ entries: [large], mustSync: true });
    expect(() => owner.add({ entries: [large], mustSync: true })).toThrow("wal/too-much-pending");
    expect(taker.take(receive)).toMatchObject({ appends: 1, used: batchRecordBytes + recordBytes(large.data.length) });
    owner.add({ entries: [large], mustSync: true });
    expect(taker.take(receive)).toMatchObject({ appends: 1 });
  });
});
