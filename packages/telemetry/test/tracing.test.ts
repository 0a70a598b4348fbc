import { type Attributes, SpanKind, trace } from "@opentelemetry/api";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { startTracing, type Tracing, type TracingOptions } from "../src/index.js";

const ended: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** A collector in this process: keeps the encoded `ExportTraceServiceRequest`s it is sent. */
async function startCollector(): Promise<{ address: string; received: Buffer[] }> {
  const server = new Server();
  const received: Buffer[] = [];
  const bytes = (value: Buffer): Buffer => value;
  server.addService(
    {
      export: {
        path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    {
      export: (call: { request: Buffer }, reply: (error: null, response: Buffer) => void) => {
        received.push(call.request);
        reply(null, Buffer.alloc(0));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  ended.push(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, received };
}

async function start(options: Partial<TracingOptions> & { address: string }): Promise<Tracing> {
  const tracing = await startTracing({
    serviceName: "etcd",
    instanceId: "",
    samplingPerMillion: 1_000_000,
    ...options,
  });
  ended.push(() => tracing.shutdown());
  return tracing;
}

function makeSpan(tracing: Tracing, name: string, attributes: Attributes = {}, traceparent?: string): boolean {
  const context = tracing.contextOf((header) => (header === "traceparent" ? traceparent : undefined));
  const span = tracing.tracer("@quorate/wal").startSpan(name, { kind: SpanKind.INTERNAL, attributes }, context);
  const isRecording = span.isRecording();
  span.end();
  return isRecording;
}

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";

describe("startTracing", () => {
  it("sends finished spans to the collector", async () => {
    const { address, received } = await startCollector();
    const tracing = await start({ address, serviceName: "store", instanceId: "m1" });
    makeSpan(tracing, "wal.sync", { "wal.record.bytes": 12 });
    await tracing.flush();
    const text = Buffer.concat(received).toString("latin1");
    for (const part of [
      "service.name",
      "store",
      "service.instance.id",
      "m1",
      "@quorate/wal",
      "wal.sync",
      "wal.record.bytes",
    ]) {
      expect(text).toContain(part);
    }
  });

  it("sends what is left when it shuts down", async () => {
    const { address, received } = await startCollector();
    const tracing = await start({ address });
    makeSpan(tracing, "wal.last");
    await tracing.shutdown();
    expect(Buffer.concat(received).toString("latin1")).toContain("wal.last");
  });

  it("continues the trace of a request", async () => {
    const { address, received } = await startCollector();
    const tracing = await start({ address });
    expect(makeSpan(tracing, "kv.put", {}, `00-${traceId}-${parentId}-01`)).toBe(true);
    await tracing.flush();
    const sent = Buffer.concat(received);
    expect(sent.includes(Buffer.from(traceId, "hex"))).toBe(true);
    expect(sent.includes(Buffer.from(parentId, "hex"))).toBe(true);
  });

  it("follows the decision of a request's parent whatever the rate is", async () => {
    const { address } = await startCollector();
    const never = await start({ address, samplingPerMillion: 0 });
    expect(makeSpan(never, "a", {}, `00-${traceId}-${parentId}-01`)).toBe(true);
    const always = await start({ address });
    expect(makeSpan(always, "a", {}, `00-${traceId}-${parentId}-00`)).toBe(false);
  });

  it("keeps none of its own traces at a rate of 0 and all at a million", async () => {
    const { address } = await startCollector();
    const never = await start({ address, samplingPerMillion: 0 });
    const always = await start({ address });
    expect(makeSpan(never, "a")).toBe(false);
    expect(makeSpan(always, "a")).toBe(true);
  });

  it("hands the context on in W3C's form", async () => {
    const { address } = await startCollector();
    const tracing = await start({ address });
    const parent = `00-${traceId}-${parentId}-01`;
    const context = tracing.contextOf((header) => (header === "traceparent" ? parent : undefined));
    const carrier: Record<string, string> = {};
    tracing.propagator.inject(context, carrier, { set: (to, key, value) => void Object.assign(to, { [key]: value }) });
    expect(carrier.traceparent).toBe(parent);
    expect(trace.getSpanContext(context)?.isRemote).toBe(true);
  });

  it("shuts down although no collector answers", async () => {
    const tracing = await start({ address: "127.0.0.1:1" });
    makeSpan(tracing, "lost");
    await expect(tracing.shutdown()).resolves.toBeUndefined();
  }, 20_000);
});
