import { SimulatedRandom } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import type { FakeUnary } from "../support/fake-call.js";
import { harnesses } from "../support/harnesses.js";
import { decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = harnesses();

type Kv = { key: string; value: string; modRevision: bigint };
type Running = { kind: "put" | "read" | "stale-read"; key: string; value: string; call: FakeUnary; floor: bigint };

const revisionOf = (message: PlainMessage): bigint => (message.header as { revision: bigint }).revision;

describe("many clients at once, on a slow disk", () => {
  it.each([1, 2, 3, 4])("see each write from its answer on, in one order (seed %i)", async (seed) => {
    const random = new SimulatedRandom(seed);
    const harness = await mustStart({ seed, syncMs: () => random.integer(0, 15) });
    const watch = harness.stream(pathOf("Watch/Watch"));
    const createRequest = { kind: "createRequest", value: { key: "k", rangeEnd: "l" } };
    watch.receive(encodeRequest("Watch/Watch", { requestUnion: createRequest }));
    const running: Running[] = [];
    const acknowledged = new Map<string, Kv>();
    /** By key, the newest revision that somebody has been told of. */
    const seen = new Map<string, bigint>();
    let [writes, reads] = [0, 0];

    const finish = ({ kind, key, value, call, floor }: Running): void => {
      expect(call.status).toEqual({ code: 0, message: "" });
      if (kind === "put") {
        const modRevision = revisionOf(decodeResponse("KV/Put", call.message as Uint8Array));
        expect([...acknowledged.values()].some((other) => other.modRevision === modRevision)).toBe(false);
        acknowledged.set(value, { key, value, modRevision });
        if (modRevision > (seen.get(key) ?? 0n)) seen.set(key, modRevision);
        writes += 1;
        return;
      }
      const answer = decodeResponse("KV/Range", call.message as Uint8Array);
      const [found] = answer.kvs as unknown as readonly Kv[];
      if (found === undefined) expect(floor).toBe(0n);
      else {
        expect(found.modRevision >= floor && found.modRevision <= revisionOf(answer)).toBe(true);
        if (kind === "read" && found.modRevision > (seen.get(key) ?? 0n)) seen.set(key, found.modRevision);
      }
      reads += 1;
    };

    for (let step = 0; step < 400; step++) {
      for (let burst = random.integer(0, 4); burst > 0; burst--) {
        const kind = random.pick(["put", "read", "stale-read"] as const);
        const key = `k${random.integer(0, 3)}`;
        const value = `${step}.${burst}`;
        const floor = seen.get(key) ?? 0n;
        const call =
          kind === "put"
            ? harness.begin("KV/Put", { key, value })
            : harness.begin("KV/Range", { key, serializable: kind === "stale-read" });
        running.push({ kind, key, value, call, floor });
      }
      await harness.advance(random.integer(0, 6));
      for (let at = running.length - 1; at >= 0; at--) {
        if (running[at]?.call.isOver === true) finish(running.splice(at, 1)[0] as Running);
      }
    }
    await harness.advance(200);
    for (const one of running) finish(one);
    expect(writes).toBeGreaterThan(150);
    expect(reads).toBeGreaterThan(300);
    const events = watch.take().flatMap((message) => {
      const { events: all } = decodeResponse("Watch/Watch", message);
      return (all as unknown as readonly { kv: Kv }[]).map(({ kv }) => kv);
    });
    const inOrder = [...acknowledged.values()].sort((a, b) => Number(a.modRevision - b.modRevision));
    expect(events.map(({ key, value, modRevision }) => ({ key, value, modRevision }))).toEqual(inOrder);
    expect(inOrder.map(({ modRevision }) => Number(modRevision))).toEqual(inOrder.map((_, i) => i + 2));
  });
});
