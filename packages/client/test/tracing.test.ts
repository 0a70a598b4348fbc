import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorage } from "node:async_hooks";
import type { Context, ContextManager } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildClient, errorOf } from "./build.js";
import { FakeMember } from "./fake/fake-member.js";
import { Refusal } from "./fake/fake-store.js";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer("test");

/** Keeps the active context over awaits, as a program's SDK does. */
class LocalContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    run: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => run.call(thisArg, ...args));
  }
  bind<T>(_active: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}
const ROOT = context.active();

beforeAll(() => {
  context.setGlobalContextManager(new LocalContexts());
});
afterAll(() => context.disable());

describe("a call's span", () => {
  it("follows the conventions for RPC, and its context reaches the member", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member, {}, { tracer });
    exporter.reset();
    const outer = tracer.startSpan("work");
    await context.with(trace.setSpan(context.active(), outer), () => client.text.put("a", "1"));
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({
      name: "etcdserverpb.KV/Put",
      kind: 2,
      attributes: {
        "rpc.system": "grpc",
        "rpc.service": "etcdserverpb.KV",
        "rpc.method": "Put",
        "rpc.grpc.status_code": 0,
        "server.address": "127.0.0.1",
        "server.port": member.port,
      },
    });
    expect(span?.parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
    const { traceId, spanId } = span?.spanContext() ?? { traceId: "", spanId: "" };
    expect(member.calls[0]?.metadata.get("traceparent")).toEqual([`00-${traceId}-${spanId}-01`]);
  });

  it("names a refusal without failing, and fails when nobody knows what became of a write", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member, {}, { tracer });
    exporter.reset();
    await errorOf(client.text.get("a", { revision: 9n }));
    member.handlers.set("/etcdserverpb.KV/Put", () => {
      throw new Refusal(14, "etcdserver: request timed out");
    });
    await errorOf(client.text.put("a", "1"));
    const [refused, lost] = exporter.getFinishedSpans();
    expect(refused?.attributes).toMatchObject({ "error.type": "etcd/future-revision", "rpc.grpc.status_code": 11 });
    expect(refused?.status.code).toBe(SpanStatusCode.UNSET);
    expect(lost?.attributes).toMatchObject({ "error.type": "etcd/timeout" });
    expect(lost?.status.code).toBe(SpanStatusCode.ERROR);
  });

  it("covers all attempts", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member, {}, { tracer });
    exporter.reset();
    member.handlers.set("/etcdserverpb.KV/Range", () => {
      member.handlers.clear();
      throw new Refusal(14, "etcdserver: leader changed");
    });
    await client.text.get("a");
    expect(exporter.getFinishedSpans().map((span) => span.attributes["client.attempts"])).toEqual([2]);
  });
});

describe("the active span", () => {
  it("is passed on by a client that traces nothing itself", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const outer = tracer.startSpan("work");
    await context.with(trace.setSpan(context.active(), outer), () => client.text.get("a"));
    const { traceId, spanId } = outer.spanContext();
    expect(member.calls[0]?.metadata.get("traceparent")).toEqual([`00-${traceId}-${spanId}-01`]);
    await client.text.get("a");
    expect(member.calls[1]?.metadata.get("traceparent")).toEqual([]);
  });
});

describe("a watch's stream", () => {
  it("has a span that ends with it", async () => {
    await using member = await FakeMember.start();
    const client = buildClient(member, {}, { tracer });
    exporter.reset();
    const watch = client.text.watch("a");
    await watch.ready;
    expect(exporter.getFinishedSpans()).toEqual([]);
    watch.cancel();
    expect(exporter.getFinishedSpans().map((span) => span.name)).toEqual(["etcdserverpb.Watch/Watch"]);
    client.close();
  });
});
