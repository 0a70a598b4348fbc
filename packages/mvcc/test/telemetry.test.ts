import type { Meter } from "@quorate/common";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterEach, describe, expect, it } from "vitest";
import { buildPorts, bytes, mustOpen, nextEntry, realClock, removeScratch } from "./support/open.js";
import { compactFully, oneKey, put, remove } from "./support/write.js";

afterEach(removeScratch);

/** A meter that adds up what it is given. */
function recordingMeter(): { meter: Meter; totals: Map<string, number> } {
  const totals = new Map<string, number>();
  const add = (name: string, amount: number): void => void totals.set(name, (totals.get(name) ?? 0) + amount);
  const meter: Meter = {
    counter: ({ name }) => ({ add: (amount) => add(name, amount) }),
    gauge: ({ name }) => ({ set: (value) => void totals.set(name, value) }),
    histogram: ({ name }) => ({ record: () => add(name, 1) }),
  };
  return { meter, totals };
}

describe("spans", () => {
  it("show each job of the store thread once, with numbers and without keys", async () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const mvcc = mustOpen(
      { compactionSleepMs: 0, compactionBatchLimit: 1 },
      buildPorts({ tracer: provider.getTracer("mvcc") }),
    );
    for (let i = 0; i < 5; i++) put(mvcc, "a secret key", "a secret value");
    await compactFully(mvcc, 5);
    await mvcc.hashKv(undefined);
    await mvcc.checkpoint();
    (await mvcc.backup()).close();
    await mvcc.defragment();
    await mvcc.close();
    const spans = exporter.getFinishedSpans();
    const names = spans.map((span) => span.name);
    for (const name of [
      "mvcc.flush",
      "mvcc.compact",
      "mvcc.hash",
      "mvcc.checkpoint",
      "mvcc.backup",
      "mvcc.defragment",
    ]) {
      expect(names).toContain(name);
    }
    expect(names.filter((name) => name === "mvcc.compact")).toHaveLength(1);
    expect(spans.find((span) => span.name === "mvcc.flush")?.attributes).toMatchObject({
      "mvcc.revision": 6,
      "mvcc.changes": 5,
    });
    expect(spans.find((span) => span.name === "mvcc.compact")?.attributes).toMatchObject({ "mvcc.revision": 5 });
    for (const span of spans) expect(JSON.stringify(span.attributes)).not.toContain("secret");
  });

  it("of a flush link to the requests whose changes it writes", async () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const tracer = provider.getTracer("mvcc");
    const mvcc = mustOpen({}, buildPorts({ tracer }));
    const requests = [tracer.startSpan("request"), tracer.startSpan("request")].map((span) => span.spanContext());
    for (const request of requests) {
      const transaction = mvcc.begin(nextEntry(mvcc), request);
      transaction.put({ key: bytes("a"), value: bytes("1"), lease: undefined });
      transaction.commit();
    }
    put(mvcc, "a", "2");
    await mvcc.flush();
    put(mvcc, "a", "3");
    await mvcc.flush();
    const flushes = exporter.getFinishedSpans().filter((span) => span.name === "mvcc.flush");
    expect(flushes.map((span) => span.links.map((link) => link.context))).toEqual([requests, []]);
    await mvcc.close();
  });

  it("of a backup that fails is an error", async () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const mvcc = mustOpen({ storeThread: true }, buildPorts({ tracer: provider.getTracer("mvcc") }));
    const abort = new AbortController();
    const backup = mvcc.backup(abort.signal);
    await mvcc.flush();
    queueMicrotask(() => abort.abort(new Error("enough")));
    await expect(backup).rejects.toThrow("enough");
    expect(exporter.getFinishedSpans().find((span) => span.name === "mvcc.backup")?.status.message).toBe("enough");
    await mvcc.close();
  });
});

describe("metrics", () => {
  it("count changes, flushes, checkpoints and compacted rows", async () => {
    const { meter, totals } = recordingMeter();
    const mvcc = mustOpen({ compactionSleepMs: 0 }, buildPorts({ meter }));
    for (let i = 0; i < 5; i++) put(mvcc, "a", "1");
    remove(mvcc, oneKey("a"));
    await mvcc.flush();
    await compactFully(mvcc, mvcc.revision);
    await mvcc.checkpoint();
    expect(Object.fromEntries(totals)).toMatchObject({
      "mvcc.puts": 5,
      "mvcc.deletes": 1,
      "mvcc.flush.changes": 6,
      "mvcc.compaction.rows": 5,
    });
    for (const name of [
      "mvcc.flush.duration",
      "mvcc.flush.bytes",
      "mvcc.checkpoint.duration",
      "mvcc.compaction.slice.duration",
    ]) {
      expect(totals.get(name)).toBeGreaterThan(0);
    }
    await mvcc.close();
  });

  it("tell how long a backup took", async () => {
    const { meter, totals } = recordingMeter();
    const mvcc = mustOpen({}, buildPorts({ meter, clock: realClock }));
    put(mvcc, "a", "1");
    (await mvcc.backup()).close();
    expect(totals.get("mvcc.backup.duration")).toBeGreaterThan(0);
    await mvcc.close();
  });
});
