import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { createClient } from "@quorate/client";
import { expect, it } from "vitest";
import { ChaosCluster, type ChaosMember } from "../src/index.js";
import type { ExportedSpan } from "./support/otlp-reader.js";
import { SpanCollector } from "./support/span-collector.js";

/** A put to that member by a client that is traced. @returns its span. */
async function tracedPut(member: ChaosMember): Promise<ExportedSpan> {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  await using client = createClient(
    { endpoints: member.process.clientUrl, timeoutMs: 60_000 },
    { tracer: provider.getTracer("test") },
  );
  await client.text.put("key", "value");
  const [span] = exporter.getFinishedSpans();
  if (span === undefined) throw new Error("the client made no span");
  const { traceId, spanId } = span.spanContext();
  return { at: "client", traceId, spanId, parentId: "", name: span.name, attributes: new Map(), links: [] };
}

/** Three members that export all they do, with elections that a busy machine does not cause. */
function startTraced(collector: SpanCollector): Promise<ChaosCluster> {
  const flags = [
    "--enable-distributed-tracing",
    `--distributed-tracing-address=${collector.address}`,
    "--distributed-tracing-sampling-rate=1000000",
    "--heartbeat-interval=500",
    "--election-timeout=5000",
  ];
  return ChaosCluster.start({ size: 3, flags, flagsOf: (name) => [`--distributed-tracing-instance-id=${name}`] });
}

/** The spans below this one as lines, children under their parents. A span that was made twice (an entry that was sent again) is told once. */
function treeOf(spans: readonly ExportedSpan[], root: ExportedSpan, roleOf: (at: string) => string): string[] {
  const line = ({ name, at }: ExportedSpan, depth: number): string => `${"  ".repeat(depth)}${name} @${roleOf(at)}`;
  const below = (parent: ExportedSpan, depth: number): string[] => {
    const children = spans.filter(({ traceId, parentId }) => traceId === root.traceId && parentId === parent.spanId);
    const parts = children.map((child) => [line(child, depth), ...below(child, depth + 1)]);
    const unique = new Map(parts.map((part) => [part.join("\n"), part]));
    return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, part]) => part);
  };
  return [line(root, 0), ...below(root, 1)];
}

/** The spans of the log's writes that link to the spans of this name in the trace, by who made them. */
function syncsOf(spans: readonly ExportedSpan[], traceId: string, name: string): string[] {
  const linked = spans.filter((span) => span.traceId === traceId && span.name === name);
  const isLinked = ({ at, links }: ExportedSpan): boolean =>
    linked.some((span) => span.at === at && links.includes(span.spanId));
  return [...new Set(spans.filter((span) => span.name === "wal.sync" && isLinked(span)).map(({ at }) => at))].sort();
}

/** Their ids as attributes have them, by name. */
async function idsOf(cluster: ChaosCluster): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const member of cluster.members) {
    const client = cluster.clientOf(member);
    ids.set(member.name, BigInt((await client.status()).member).toString(16));
    client.close();
  }
  return ids;
}

/** Puts at a member and waits for the tree that is expected. */
async function traceAt(
  collector: SpanCollector,
  member: ChaosMember,
  expected: { roleOf: (at: string) => string; tree: readonly string[]; stored: number },
): Promise<ExportedSpan> {
  const root = await tracedPut(member);
  await collector.waitFor(
    (spans) =>
      treeOf(spans, root, expected.roleOf).join() === expected.tree.join() &&
      syncsOf(spans, root.traceId, "core.sync").length === expected.stored,
  );
  expect(treeOf(collector.spans, root, expected.roleOf)).toEqual(expected.tree);
  return root;
}

it("shows a put at the leader as one tree over all members, and who completed its quorum", async () => {
  using collector = await SpanCollector.start();
  await using cluster = await startTraced(collector);
  const { leader } = await cluster.waitForLeader();
  const followers = cluster.members.filter((member) => member !== leader).map(({ name }) => name);
  const roleOf = (at: string): string =>
    at === leader.name ? "leader" : at === "client" ? at : `follower${followers.indexOf(at) + 1}`;
  const tree = [
    "etcdserverpb.KV/Put @client",
    "  etcdserverpb.KV/Put @leader",
    "    core.apply @leader",
    "    core.propose @leader",
    "    core.replicate @leader",
    "      core.acknowledge @follower1",
    "      core.acknowledge @follower2",
    "      core.apply @follower1",
    "      core.apply @follower2",
    "      core.receive @follower1",
    "      core.receive @follower2",
    "      core.sync @follower1",
    "      core.sync @follower2",
  ];
  const root = await traceAt(collector, leader, { roleOf, tree, stored: 2 });
  const { spans } = collector;
  expect(syncsOf(spans, root.traceId, "core.propose")).toEqual([leader.name]);
  expect(syncsOf(spans, root.traceId, "core.sync")).toEqual([...followers].sort());
  for (const follower of followers) {
    const others = spans.filter(({ at }) => at !== follower);
    expect(treeOf(others, root, roleOf)).not.toEqual(tree);
  }
  // With the last disk of a majority being the leader's own, it is the leader who completes it.
  const replicate = spans.find(({ traceId, name }) => traceId === root.traceId && name === "core.replicate");
  const ids = await idsOf(cluster);
  expect([...ids.values()]).toContain(replicate?.attributes.get("raft.quorum.member"));
});

it("shows a put at a follower as one tree, with the leader's part below what the follower asked", async () => {
  using collector = await SpanCollector.start();
  await using cluster = await startTraced(collector);
  const { leader } = await cluster.waitForLeader();
  const [asked, other] = cluster.members.filter((member) => member !== leader) as [ChaosMember, ChaosMember];
  const roles = new Map([
    ["client", "client"],
    [leader.name, "leader"],
    [asked.name, "asked"],
    [other.name, "other"],
  ]);
  const tree = [
    "etcdserverpb.KV/Put @client",
    "  etcdserverpb.KV/Put @asked",
    "    core.apply @asked",
    "    core.propose @asked",
    "      core.apply @leader",
    "      core.propose @leader",
    "      core.replicate @leader",
    "        core.acknowledge @asked",
    "        core.acknowledge @other",
    "        core.apply @other",
    "        core.receive @asked",
    "        core.receive @other",
    "        core.sync @asked",
    "        core.sync @other",
  ];
  await traceAt(collector, asked, { roleOf: (at) => roles.get(at) ?? "nobody", tree, stored: 2 });
});
