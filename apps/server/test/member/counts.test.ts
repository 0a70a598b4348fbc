import { Socket } from "node:net";
import { createListener, type Listener, systemPorts } from "@quorate/transport";
import type { Meter } from "@quorate/common";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Harness } from "../support/harness.js";
import { harnesses } from "../support/harnesses.js";
import { encodeRequest, pathOf } from "../support/method-codec.js";
import { RawClient } from "../support/raw-client.js";

const mustStart = harnesses();
const ending: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
  vi.restoreAllMocks();
});

/** Counts what is recorded, by the metric's name. */
function countingMeter(): { meter: Meter; counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const count = (name: string) => (): void => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  const meter: Meter = {
    counter: ({ name }) => ({ add: count(name) }),
    gauge: ({ name }) => ({ set: count(name) }),
    histogram: ({ name }) => ({ record: count(name) }),
  };
  return { meter, counts };
}

/** Counts what the log does to its disk. */
function countDisk(harness: Harness): Record<string, number> {
  const counts: Record<string, number> = {};
  harness.disk.failWhen(({ kind }) => {
    counts[kind] = (counts[kind] ?? 0) + 1;
    return undefined;
  });
  return counts;
}

async function serve(harness: Harness): Promise<{ listener: Listener; clients: RawClient[] }> {
  const listener = createListener({ services: harness.services, accepts: "grpcOnly" }, systemPorts());
  ending.push(() => listener.stop({ graceMs: 0 }));
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  const clients = [await RawClient.connected(port), await RawClient.connected(port)];
  ending.push(() => clients.forEach((client) => void client.close()));
  await until(harness, () => clients.every(({ frames }) => frames.length >= 2));
  return { listener, clients };
}

/** Lets sockets and the member work until something is so. */
async function until(harness: Harness, isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns++) {
    if (turns > 100_000) throw new Error("it does not come");
    await harness.settle();
  }
}

describe("the puts of one turn", () => {
  it.each([1, 10, 200])(
    "%i on each of two connections take one sync, one write to each socket and one flush",
    async (puts) => {
      const { meter, counts } = countingMeter();
      const harness = await mustStart({ meter });
      await harness.advance(1000);
      const { clients } = await serve(harness);
      const disk = countDisk(harness);
      counts.clear();
      for (const client of clients) client.frames.length = 0;
      const messages = Array.from({ length: puts }, (_, i) => encodeRequest("KV/Put", { key: `k${i}`, value: "v" }));
      const write = vi.spyOn(Socket.prototype, "write");
      for (const client of clients) client.callAll(pathOf("KV/Put"), messages);
      // Both connections are read before the member has its turn: the loop below is what gives it one.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      await until(harness, () =>
        clients.every(({ frames }) => frames.filter((name) => name.startsWith("HEADERS")).length === 2 * puts),
      );
      const byServer = write.mock.contexts.filter((socket) =>
        Boolean((socket as Socket & { server?: unknown }).server),
      );
      // The second write is that of the commit index, which nobody waits for.
      expect({ writes: disk.write, syncs: disk.sync, counted: counts.get("wal.sync.duration") }).toEqual({
        writes: 2,
        syncs: 1,
        counted: 1,
      });
      expect([byServer.length, new Set(byServer).size]).toEqual([2, 2]);
      const sizes = write.mock.calls.map(([chunk]) => (chunk as Uint8Array).length);
      const isServers = write.mock.contexts.map((socket) => byServer.includes(socket as Socket));
      const answered = sizes.filter((_, i) => isServers[i]).reduce((sum, size) => sum + size, 0);
      // Three heads of frames, the header of the answer, and a byte or two for each header block after the first.
      expect(answered).toBeLessThanOrEqual(2 * (40 + 64 * puts));
      for (const { frames } of clients) {
        const own = frames.filter((name) => !name.endsWith(" 0"));
        expect(own.length).toBe(3 * puts); // head, message, trailers
        expect(frames.length - own.length).toBeLessThanOrEqual(1);
      }
      await harness.advance(200);
      expect(counts.get("mvcc.flush.duration")).toBe(1);
    },
  );
});
