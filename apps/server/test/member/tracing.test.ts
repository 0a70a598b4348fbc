import { ROOT_CONTEXT, type Span, SpanKind, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { Tracer } from "@quorate/common";
import { createListener, systemPorts } from "@quorate/transport";
import { describe, expect, it } from "vitest";
import type { Harness } from "../support/harness.js";
import { harnesses } from "../support/harnesses.js";
import { encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";
import { RawClient } from "../support/raw-client.js";

const mustStart = harnesses();

/** A tracer that keeps every span, and how many were started. */
function buildTracing() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  return { exporter, tracer: provider.getTracer("@quorate/server") };
}

/** The server span of a call, as the transport begins it for a caller that is sampled. */
function serverSpan(tracer: Tracer, name: string): Span {
  return tracer.startSpan(name, { kind: SpanKind.SERVER }, ROOT_CONTEXT);
}

/** Spans as lines, children indented below their parents; a span that links to others of the tree names them. */
function treeOf(spans: readonly ReadableSpan[], root: ReadableSpan): string[] {
  const nameOf = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  const lines: string[] = [];
  const add = (span: ReadableSpan, depth: number): void => {
    const links = span.links.map(({ context }) => nameOf.get(context.spanId) ?? "?");
    lines.push(`${"  ".repeat(depth)}${span.name}${links.length > 0 ? ` -> ${links.join(", ")}` : ""}`);
    for (const child of spans) if (child.parentSpanContext?.spanId === span.spanContext().spanId) add(child, depth + 1);
  };
  add(root, 0);
  const inTrace = new Set(spans.filter((span) => isOf(span, root)).map((span) => span.spanContext().spanId));
  for (const span of spans) {
    if (isOf(span, root) || !span.links.some(({ context }) => inTrace.has(context.spanId))) continue;
    lines.push(`(${span.name} -> ${span.links.map(({ context }) => nameOf.get(context.spanId)).join(", ")})`);
  }
  return lines;
}

const isOf = (span: ReadableSpan, root: ReadableSpan): boolean =>
  span.spanContext().traceId === root.spanContext().traceId;

function mustFind(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const found = spans.filter((span) => span.name === name);
  expect(found.length).toBe(1);
  return found[0] as ReadableSpan;
}

function watchAll(harness: Harness, span?: Span) {
  const watch = harness.stream(pathOf("Watch/Watch"), undefined, { span });
  const createRequest = { kind: "createRequest", value: { key: "\0", rangeEnd: "\0" } };
  watch.receive(encodeRequest("Watch/Watch", { requestUnion: createRequest }));
  return watch;
}

async function traced(harness: Harness, tracer: Tracer, method: string, request: PlainMessage): Promise<void> {
  const call = harness.begin(method, request, { span: serverSpan(tracer, method) });
  for (let ms = 0; !call.isOver && ms < 1000; ms += 10) await harness.advance(10);
  expect(call.isOver).toBe(true);
}

describe("a request whose caller is traced", () => {
  it("to put is one tree, with the sync and the flush it shares linked to it", async () => {
    const { exporter, tracer } = buildTracing();
    const harness = await mustStart({ tracer });
    await harness.advance(500);
    exporter.reset();
    await traced(harness, tracer, "KV/Put", { key: "a", value: "1" });
    await harness.advance(200);
    const spans = exporter.getFinishedSpans();
    expect(treeOf(spans, mustFind(spans, "KV/Put"))).toEqual([
      "KV/Put",
      "  core.propose",
      "  core.apply",
      "(wal.sync -> core.propose)",
      "(mvcc.flush -> core.apply)",
    ]);
    const { attributes } = mustFind(spans, "core.apply");
    expect(attributes).toEqual({ "raft.index": expect.any(Number), "mvcc.revision": 2, "mvcc.changes": 1 });
    expect(mustFind(spans, "core.propose").attributes).toEqual({
      "raft.index": attributes["raft.index"],
      "raft.term": 2,
    });
  });

  it("shares one sync and one flush with the others of its turn", async () => {
    const { exporter, tracer } = buildTracing();
    const harness = await mustStart({ tracer });
    await harness.advance(500);
    exporter.reset();
    const names = ["first", "second", "third"];
    for (const name of names) harness.begin("KV/Put", { key: name }, { span: serverSpan(tracer, name) });
    harness.begin("KV/Put", { key: "untraced" });
    await harness.advance(200);
    const spans = exporter.getFinishedSpans();
    const linked = (name: string): string[] => {
      const ids = mustFind(spans, name).links.map(({ context }) => context.traceId);
      return names.filter((root) => ids.includes(mustFind(spans, root).spanContext().traceId));
    };
    expect([linked("wal.sync"), linked("mvcc.flush")]).toEqual([names, names]);
    expect(mustFind(spans, "wal.sync").links.length).toBe(3);
  });

  it("to range is one tree, with its wait for the leader's word", async () => {
    const { exporter, tracer } = buildTracing();
    const harness = await mustStart({ tracer });
    await harness.must("KV/Put", { key: "a" });
    exporter.reset();
    await traced(harness, tracer, "KV/Range", { key: "a" });
    await traced(harness, tracer, "KV/Range", { key: "\0", rangeEnd: "\0", serializable: true });
    const read = { request: { kind: "requestRange", value: { key: "a" } } };
    await traced(harness, tracer, "KV/Txn", { success: [read] });
    const spans = exporter.getFinishedSpans();
    const [first, second] = spans.filter(({ name }) => name === "KV/Range");
    expect(treeOf(spans, first as ReadableSpan)).toEqual(["KV/Range", "  core.read-index", "  core.range"]);
    expect(treeOf(spans, second as ReadableSpan)).toEqual(["KV/Range", "  core.range"]);
    expect(treeOf(spans, mustFind(spans, "KV/Txn"))).toEqual(["KV/Txn", "  core.read-index", "  core.read-txn"]);
  });

  it("shows the watchers its event went to, linked to their streams", async () => {
    const { exporter, tracer } = buildTracing();
    const harness = await mustStart({ tracer });
    const stream = serverSpan(tracer, "Watch/Watch");
    const watches = [watchAll(harness, stream), watchAll(harness)];
    await harness.advance(500);
    exporter.reset();
    await traced(harness, tracer, "KV/Put", { key: "a" });
    await harness.advance(200);
    for (const watch of watches) expect(watch.take().length).toBe(2);
    stream.end();
    const spans = exporter.getFinishedSpans();
    expect(treeOf(spans, mustFind(spans, "KV/Put"))).toEqual([
      "KV/Put",
      "  core.propose",
      "  core.apply",
      "    core.watch -> Watch/Watch",
      "(wal.sync -> core.propose)",
      "(mvcc.flush -> core.apply)",
    ]);
    expect(mustFind(spans, "core.watch").attributes).toEqual({ "watch.watchers": 2 });
  });

  it("that is refused says why, and is no failure", async () => {
    const { exporter, tracer } = buildTracing();
    const harness = await mustStart({ tracer });
    exporter.reset();
    await traced(harness, tracer, "KV/Put", { key: "a", lease: 9n });
    await traced(harness, tracer, "KV/Range", { key: "a", revision: 99n });
    const spans = exporter.getFinishedSpans();
    expect(mustFind(spans, "core.apply").attributes["error.type"]).toBe("lease/not-found");
    expect(mustFind(spans, "core.range").attributes["error.type"]).toBe("mvcc/future-revision");
    expect(spans.filter(({ status }) => status.code !== 0)).toEqual([]);
  });
});

describe("a call over a socket", () => {
  it("is one tree from its caller to the disk", async () => {
    const { exporter, tracer } = buildTracing();
    const harness = await mustStart({ tracer });
    const listener = createListener({ services: harness.services, accepts: "grpcOnly" }, { ...systemPorts(), tracer });
    const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
    const client = await RawClient.connected(port);
    await harness.advance(500);
    exporter.reset();
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    client.callAll(pathOf("KV/Put"), [encodeRequest("KV/Put", { key: "a" })], { traceparent });
    const ends = (): number => client.frames.filter((frame) => frame === "HEADERS 1").length;
    for (let turns = 0; ends() < 2 && turns < 100_000; turns++) await harness.settle();
    await harness.advance(200);
    client.close();
    await listener.stop({ graceMs: 0 });
    const spans = exporter.getFinishedSpans();
    const root = mustFind(spans, "etcdserverpb.KV/Put");
    expect([root.spanContext().traceId, root.parentSpanContext?.spanId]).toEqual([traceId, "b7ad6b7169203331"]);
    expect(treeOf(spans, root)).toEqual([
      "etcdserverpb.KV/Put",
      "  core.propose",
      "  core.apply",
      "(wal.sync -> core.propose)",
      "(mvcc.flush -> core.apply)",
    ]);
  });
});

describe("the end of leases", () => {
  it("is one tree under a span of its own", async () => {
    const { exporter, tracer } = buildTracing();
    const harness = await mustStart({ tracer });
    const watch = watchAll(harness);
    for (const ID of [1n, 2n]) {
      await harness.must("Lease/LeaseGrant", { ID, TTL: 2n });
      await harness.must("KV/Put", { key: `k${ID}`, lease: ID });
    }
    await harness.advance(1000);
    watch.take();
    exporter.reset();
    await harness.advance(2000);
    expect(watch.take().length).toBe(2);
    const spans = exporter.getFinishedSpans();
    expect(treeOf(spans, mustFind(spans, "core.lease-expiry"))).toEqual([
      "core.lease-expiry",
      "  core.propose",
      "  core.apply",
      "    core.watch",
      "(wal.sync -> core.propose)",
      "(mvcc.flush -> core.apply)",
    ]);
    expect(mustFind(spans, "core.lease-expiry").attributes).toEqual({ "lease.count": 2 });
  });
});

describe("a request whose caller is not traced", () => {
  it("has no spans, even when its call has one that is not sampled", async () => {
    const { exporter, tracer } = buildTracing();
    const harness = await mustStart({ tracer });
    await harness.advance(500);
    exporter.reset();
    const unsampled = trace.wrapSpanContext({ traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 0 });
    for (const span of [undefined, unsampled]) {
      harness.begin("KV/Put", { key: "a" }, { span });
      harness.begin("KV/Range", { key: "a" }, { span });
      await harness.advance(50);
    }
    const names = new Set(exporter.getFinishedSpans().map(({ name }) => name));
    expect([...names].filter((name) => !/^(wal|mvcc)\./.test(name))).toEqual([]);
    expect(exporter.getFinishedSpans().flatMap(({ links }) => links)).toEqual([]);
  });
});
