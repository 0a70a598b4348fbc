import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { silentLogger } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { GrpcApplication } from "../../src/grpc/grpc-application.js";
import { CallTracing, parseTraceparent } from "../../src/grpc/tracing.js";
import { Code, GrpcServices } from "../../src/index.js";
import { MetricReport } from "../../src/listener/metric-report.js";
import { EchoService } from "../support/echo-services.js";
import { callHeaders, frame, grpcMessage, RawPeer, uint32, unaryRequest } from "../support/raw-peer.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const sampled = `00-${traceId}-b7ad6b7169203331-01`;

function begin(tracesRoots: boolean): {
  peer: RawPeer;
  exporter: InMemorySpanExporter;
  spansSeen: (string | undefined)[];
} {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const services = new GrpcServices();
  const spansSeen: (string | undefined)[] = [];
  services.unary("/t.S/Echo", (call, message) => {
    spansSeen.push(call.span?.spanContext().traceId);
    call.reply(Buffer.from(message));
  });
  services.unary("/t.S/Refuse", (call) => call.fail({ code: Code.NotFound, message: "no" }));
  services.unary("/t.S/Break", (call) => call.fail({ code: Code.Internal, message: "no" }));
  services.bidi("/t.S/Stream", () => {});
  const tracing = new CallTracing({ tracesRoots }, { tracer: provider.getTracer("transport") });
  const application = new GrpcApplication({
    services,
    http: undefined,
    isHttpOnly: false,
    tracing,
    onHandled: undefined,
    logger: silentLogger,
  });
  return { peer: new RawPeer(services, {}, { application }).begin(), exporter, spansSeen };
}

function traced(id: number, path: string, traceparent?: string): Buffer {
  const extra: [string, string][] =
    traceparent === undefined
      ? []
      : [
          ["traceparent", traceparent],
          ["tracestate", "vendor=1"],
        ];
  return Buffer.concat([callHeaders(id, path, { extra }), frame(0, 1, id, grpcMessage(Buffer.from("x")))]);
}

describe("server spans", () => {
  it("follow the RPC conventions and the caller's trace", () => {
    const { peer, exporter, spansSeen } = begin(false);
    peer.send(traced(1, "/t.S/Echo", sampled));
    const [span] = exporter.getFinishedSpans();
    expect(span?.name).toBe("t.S/Echo");
    expect(span?.kind).toBe(SpanKind.SERVER);
    expect(span?.attributes).toEqual({
      "rpc.system": "grpc",
      "rpc.service": "t.S",
      "rpc.method": "Echo",
      "network.peer.address": "127.0.0.1",
      "network.peer.port": 1,
      "rpc.grpc.status_code": 0,
    });
    expect(span?.parentSpanContext).toMatchObject({ traceId, spanId: "b7ad6b7169203331", isRemote: true });
    expect(span?.spanContext().traceState?.get("vendor")).toBe("1");
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
    expect(spansSeen).toEqual([traceId]);
  });

  it("are not begun for callers that do not sample, nor for roots, unless the tracer is to choose", () => {
    const quiet = begin(false);
    quiet.peer.send(
      traced(1, "/t.S/Echo", sampled.replace(/01$/, "00")),
      traced(3, "/t.S/Echo"),
      traced(5, "/t.S/Echo", "garbage"),
    );
    expect([quiet.exporter.getFinishedSpans(), quiet.spansSeen]).toEqual([[], [undefined, undefined, undefined]]);
    const roots = begin(true);
    roots.peer.send(traced(1, "/t.S/Echo", sampled.replace(/01$/, "00")), traced(3, "/t.S/Echo"));
    expect(roots.exporter.getFinishedSpans().map((span) => span.parentSpanContext)).toEqual([undefined]);
  });

  it("carry the status: refusals do not fail them, failures do", () => {
    const { peer, exporter } = begin(false);
    peer.send(traced(1, "/t.S/Refuse", sampled), traced(3, "/t.S/Break", sampled));
    const spans = exporter
      .getFinishedSpans()
      .map(({ attributes, status }) => [attributes["rpc.grpc.status_code"], attributes["error.type"], status.code]);
    expect(spans).toEqual([
      [5, "NotFound", SpanStatusCode.UNSET],
      [13, "Internal", SpanStatusCode.ERROR],
    ]);
  });

  it("end when the client cancels", () => {
    const { peer, exporter } = begin(false);
    peer.send(callHeaders(1, "/t.S/Stream", { extra: [["traceparent", sampled]] }));
    expect(exporter.getFinishedSpans()).toEqual([]);
    peer.send(frame(3, 0, 1, uint32(8)));
    expect(exporter.getFinishedSpans().map(({ attributes }) => attributes["rpc.grpc.status_code"])).toEqual([
      Code.Canceled,
    ]);
  });
});

describe("parseTraceparent", () => {
  const broken = [
    "",
    "00",
    `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    sampled.toUpperCase(),
    `${sampled}-x`,
    sampled.replace(/^00/, "ff"),
  ];
  for (const text of broken) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(parseTraceparent(text, undefined)).toBeUndefined();
    });
  }

  it("takes later versions that begin alike", () => {
    expect(parseTraceparent(`${sampled.replace(/^00/, "01")}-more`, undefined)).toMatchObject({
      traceId,
      traceFlags: 1,
    });
  });
});

describe("MetricReport", () => {
  it("carries over what is new, by method and code", () => {
    const samples = new Map<string, number>();
    const record = (name: string) => ({
      add: (amount: number, labels?: Readonly<Record<string, string>>): void => {
        const key = `${name} ${Object.values(labels ?? {}).join(" ")}`.trim();
        if (amount !== 0 || samples.has(key)) samples.set(key, (samples.get(key) ?? 0) + amount);
      },
      set: (): void => {},
      record: (): void => {},
    });
    const meter = {
      counter: ({ name }: { name: string }) => record(name),
      gauge: () => record(""),
      histogram: () => record(""),
    };
    const service = new EchoService();
    const peer = new RawPeer(service.services).begin();
    const report = new MetricReport(service.services, { meter });
    peer.send(unaryRequest(1, "/t.S/Echo", Buffer.from("four")), unaryRequest(3, "/t.S/Echo", Buffer.from("four")));
    peer.turn();
    report.run(peer.engine.counts);
    report.run(peer.engine.counts);
    peer.send(callHeaders(5, "/t.S/Stream"), frame(3, 0, 5, uint32(8)));
    report.run(peer.engine.counts);
    const { bytesIn, bytesOut } = peer.engine.counts;
    expect(Object.fromEntries(samples)).toEqual({
      "transport.received": bytesIn,
      "transport.sent": bytesOut,
      "transport.calls_started unary t.S Echo": 2,
      "transport.calls_handled unary t.S Echo OK": 2,
      "transport.messages_received unary t.S Echo": 2,
      "transport.messages_sent unary t.S Echo": 2,
      "transport.messages_received_bytes": 8,
      "transport.messages_sent_bytes": 8,
      "transport.calls_started bidi_stream t.S Stream": 1,
      "transport.calls_handled bidi_stream t.S Stream Canceled": 1,
    });
  });
});
