import { ROOT_CONTEXT, type Span, SpanKind } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";

const mustStart = clusters();

/** A cluster each of whose members exports its own spans. */
async function tracedCluster() {
  const exporters = new Map<MemberId, InMemorySpanExporter>();
  const tracers = new Map(
    [1n, 2n, 3n].map((id) => {
      const exporter = new InMemorySpanExporter();
      exporters.set(id as MemberId, exporter);
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      return [id as MemberId, provider.getTracer("@quorate/server")];
    }),
  );
  const tracerOf = (id: MemberId) => {
    const tracer = tracers.get(id);
    if (tracer === undefined) throw new Error("no such member");
    return tracer;
  };
  const harness = await mustStart({ tracer: tracerOf });
  await harness.level();
  for (const exporter of exporters.values()) exporter.reset();
  return { harness, exporters, tracerOf };
}

type Spans = readonly Readonly<{ at: MemberId; span: ReadableSpan }>[];

function spansOf(exporters: ReadonlyMap<MemberId, InMemorySpanExporter>): Spans {
  return [...exporters].flatMap(([at, exporter]) => exporter.getFinishedSpans().map((span) => ({ at, span })));
}

/** Spans as lines with the member that made them, children below their parents, ordered by member and name. */
function treeOf(spans: Spans, roleOf: (member: MemberId) => string): string[] {
  const lines: string[] = [];
  const add = (parent: string | undefined, depth: number): void => {
    const children = spans.filter(({ span }) => span.parentSpanContext?.spanId === parent);
    const line = ({ at, span }: Spans[0]): string => `${"  ".repeat(depth)}${span.name} @${roleOf(at)}`;
    for (const child of children.sort((a, b) => (line(a) < line(b) ? -1 : 1))) {
      lines.push(line(child));
      add(child.span.spanContext().spanId, depth + 1);
    }
  };
  add(undefined, 0);
  return lines.filter((line) => !/^(wal|mvcc)/.test(line));
}

async function put(harness: ClusterHarness, at: MemberId, span: Span): Promise<void> {
  const call = harness.begin(at, "KV/Put", { key: "a", value: "1" }, { span });
  await harness.cluster.until(() => call.isOver);
  expect(call.status?.code).toBe(0);
  await harness.level();
  await harness.cluster.advance(500);
}

describe("a put whose caller is traced, in a cluster", () => {
  it("goes on in each follower: receive, sync, acknowledge, apply; and names who completed the quorum", async () => {
    const { harness, exporters, tracerOf } = await tracedCluster();
    const leader = await harness.led();
    const root = tracerOf(leader).startSpan("KV/Put", { kind: SpanKind.SERVER }, ROOT_CONTEXT);
    await put(harness, leader, root);
    const spans = spansOf(exporters);
    const followers = harness.founders.filter((id) => id !== leader);
    const roleOf = (id: MemberId): string => (id === leader ? "leader" : `follower${followers.indexOf(id) + 1}`);
    expect(treeOf(spans, roleOf)).toEqual([
      "KV/Put @leader",
      "  core.apply @leader",
      "  core.propose @leader",
      "  core.replicate @leader",
      "    core.acknowledge @follower1",
      "    core.acknowledge @follower2",
      "    core.apply @follower1",
      "    core.apply @follower2",
      "    core.receive @follower1",
      "    core.receive @follower2",
      "    core.sync @follower1",
      "    core.sync @follower2",
    ]);
    const replicate = spans.find(({ span }) => span.name === "core.replicate")?.span;
    expect(followers.map((id) => id.toString(16))).toContain(replicate?.attributes["raft.quorum.member"]);
    const syncs = spans.filter(({ span }) => span.name === "core.sync").map(({ span }) => span.spanContext().spanId);
    const linked = spans
      .filter(({ at, span }) => span.name === "wal.sync" && followers.includes(at))
      .flatMap(({ span }) => span.links.map(({ context }) => context.spanId));
    expect(linked.sort()).toEqual(syncs.sort());
  });

  it("at a follower is one tree, too: there, at the leader, at both followers", async () => {
    const { harness, exporters, tracerOf } = await tracedCluster();
    const leader = await harness.led();
    const [at] = harness.founders.filter((id) => id !== leader) as [MemberId];
    const root = tracerOf(at).startSpan("KV/Put", { kind: SpanKind.SERVER }, ROOT_CONTEXT);
    await put(harness, at, root);
    const spans = spansOf(exporters);
    const roleOf = (id: MemberId): string => (id === leader ? "leader" : id === at ? "asked" : "other");
    expect(treeOf(spans, roleOf)).toEqual([
      "KV/Put @asked",
      "  core.apply @asked",
      "  core.propose @asked",
      "    core.apply @leader",
      "    core.propose @leader",
      "    core.replicate @leader",
      "      core.acknowledge @asked",
      "      core.acknowledge @other",
      "      core.apply @other",
      "      core.receive @asked",
      "      core.receive @other",
      "      core.sync @asked",
      "      core.sync @other",
    ]);
  });

  it("costs the others nothing when it is not sampled", async () => {
    const { harness, exporters } = await tracedCluster();
    const leader = await harness.led();
    await harness.must(leader, "KV/Put", { key: "a" });
    await harness.level();
    const names = spansOf(exporters).map(({ span }) => span.name);
    expect(names.filter((name) => name.startsWith("core."))).toEqual([]);
  });
});
