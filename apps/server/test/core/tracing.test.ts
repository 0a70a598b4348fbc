import { TraceFlags } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { LogIndex, MemberId, Term } from "@quorate/common";
import type { Entry, RaftMessage } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { EntryField, encodeEntry } from "../../src/core/entry-codec.js";
import { Tracing } from "../../src/core/tracing.js";

const here = 7;
const peer = 2n as MemberId;

function buildTracing() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracing = new Tracing(provider.getTracer("test"));
  tracing.begin(here);
  const ended = (): string[] => exporter.getFinishedSpans().map(({ name }) => name);
  return { tracing, ended };
}

const caller = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: TraceFlags.SAMPLED };
const traces = new Map([[0, caller]]);

function buildEntry(index: number, member: number, serial: number): Entry {
  const data = encodeEntry(EntryField.put, new Uint8Array([1]), { member, serial });
  return { index: index as LogIndex, term: 1 as Term, kind: "normal", data };
}

const append = (entries: readonly Entry[]): RaftMessage => ({
  kind: "append",
  term: 1 as Term,
  previous: { index: 0 as LogIndex, term: 0 as Term },
  commit: 0 as LogIndex,
  entries,
});

describe("Tracing", () => {
  it("is quiet again when a follower has acknowledged and applied", () => {
    const { tracing, ended } = buildTracing();
    const entries = [buildEntry(1, 3, 5)];
    tracing.arrived(peer, append(entries), traces);
    expect(tracing.isQuiet).toBe(false);
    tracing.persisting(entries);
    tracing.persisted(entries);
    tracing.sent();
    expect(ended()).toEqual(["core.receive", "core.sync", "core.acknowledge"]);
    expect(tracing.isQuiet).toBe(false);
    tracing.applying(1 as LogIndex, undefined)?.end({ committed: undefined });
    expect(ended().at(-1)).toBe("core.apply");
    expect(tracing.isQuiet).toBe(true);
  });

  it("does not wait for the apply of what a snapshot brought, nor of what another leader may replace", () => {
    const { tracing, ended } = buildTracing();
    const store = (entries: readonly Entry[]): void => {
      tracing.arrived(peer, append(entries), traces);
      tracing.persisting(entries);
      tracing.persisted(entries);
      tracing.sent();
    };
    store([buildEntry(1, 3, 5)]);
    expect(tracing.applying(2 as LogIndex, undefined)).toBeUndefined();
    expect(tracing.isQuiet).toBe(true);
    store([buildEntry(3, 3, 6)]);
    tracing.leaderChanged();
    expect(tracing.isQuiet).toBe(true);
    expect(ended()).not.toContain("core.apply");
  });

  it("applies what it asked its leader for under its own request, once", () => {
    const { tracing, ended } = buildTracing();
    const entries = [buildEntry(1, here, 5)];
    tracing.proposed(5, caller);
    tracing.arrived(peer, append(entries), traces);
    tracing.persisting(entries);
    tracing.persisted(entries);
    tracing.sent();
    tracing.applying(1 as LogIndex, 5)?.end({ committed: undefined });
    expect(ended().filter((name) => name === "core.apply")).toHaveLength(1);
    expect(tracing.isQuiet).toBe(true);
  });

  it("lets go of entries that came again when they are committed, and of all others when the leader changes", () => {
    const { tracing } = buildTracing();
    tracing.arrived(peer, append([buildEntry(1, 3, 5)]), traces);
    tracing.committed(1 as LogIndex, undefined);
    expect(tracing.isQuiet).toBe(true);
    tracing.arrived(peer, append([buildEntry(2, 3, 6)]), traces);
    tracing.arrived(peer, { kind: "propose", entries: [buildEntry(3, 3, 7)] }, traces);
    tracing.leaderChanged();
    expect(tracing.isQuiet).toBe(true);
  });

  it("follows a forwarded proposal until a quorum has it", () => {
    const { tracing, ended } = buildTracing();
    const entries = [buildEntry(1, 3, 5)];
    tracing.arrived(peer, { kind: "propose", entries }, traces);
    const left = tracing.leaving(append(entries));
    expect(left?.get(0)?.traceId).toBe(caller.traceId);
    tracing.persisting(entries);
    tracing.persisted(entries);
    tracing.committed(1 as LogIndex, peer);
    expect(ended()).toEqual(["core.propose", "core.replicate"]);
    tracing.applying(1 as LogIndex, undefined)?.end({ committed: undefined });
    expect(ended().at(-1)).toBe("core.apply");
    expect(tracing.isQuiet).toBe(true);
  });

  it("does not follow what its caller does not sample", () => {
    const { tracing } = buildTracing();
    tracing.proposed(5, { ...caller, traceFlags: TraceFlags.NONE });
    expect(tracing.leaving(append([buildEntry(1, here, 5)]))).toBeUndefined();
    expect(tracing.isQuiet).toBe(true);
  });
});
