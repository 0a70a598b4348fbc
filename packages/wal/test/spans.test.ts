import type { Meter, MetricDefinition, SpanContext } from "@quorate/common";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { describe, expect, it } from "vitest";
import { buildEntry, mustOpen, temporaryDirectory } from "./fixtures.js";

function buildContext(number: number): SpanContext {
  const hex = number.toString(16);
  return { traceId: hex.padStart(32, "0"), spanId: hex.padStart(16, "0"), traceFlags: 1 };
}

for (const thread of [false, true]) {
  describe(`traces and metrics, ${thread ? "with a thread of its own" : "in the caller's thread"}`, () => {
    it("show each sync as one span that links to every request in it", async () => {
      const exporter = new InMemorySpanExporter();
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      const { wal } = await mustOpen(
        { directory: `${temporaryDirectory()}/wal`, thread },
        { tracer: provider.getTracer("@quorate/wal") },
      );
      await Promise.all(
        [1, 2, 3, 4].map(
          (index) =>
            new Promise<void>((resolve) =>
              wal.append({ entries: [buildEntry(index)], mustSync: true, links: [buildContext(index)] }, resolve),
            ),
        ),
      );
      await new Promise<void>((resolve) => wal.append({ entries: [buildEntry(5)], mustSync: false }, resolve));
      await new Promise<void>((resolve) => wal.append({ entries: [], mustSync: false }, resolve));
      await wal.close();
      const spans = exporter.getFinishedSpans();
      const { batches, syncs, bytes } = wal.stats();
      expect(spans.length).toBe(syncs);
      // In one thread the four are one batch; the log thread may take the first before the others have come.
      if (!thread) expect([batches, syncs]).toEqual([2, 1]);
      expect(new Set(spans.map((span) => span.name))).toEqual(new Set(["wal.sync"]));
      expect(spans.flatMap((span) => span.links.map((link) => link.context.spanId))).toEqual(
        [1, 2, 3, 4].map((index) => buildContext(index).spanId),
      );
      const sum = (name: string): number => spans.reduce((total, span) => total + Number(span.attributes[name]), 0);
      expect([sum("wal.batch.entries"), sum("wal.batch.appends")]).toEqual([4, 4]);
      expect(sum("wal.batch.bytes")).toBeGreaterThan(0);
      expect(sum("wal.batch.bytes")).toBeLessThan(bytes);
      for (const span of spans) {
        expect(span.parentSpanContext).toBeUndefined();
        expect(span.ended).toBe(true);
      }
    });

    it("count batches, syncs and bytes", async () => {
      const recorded = new Map<string, number[]>();
      const definitions: MetricDefinition[] = [];
      const metric = (definition: MetricDefinition): ((value: number) => void) => {
        definitions.push(definition);
        return (value) => recorded.set(definition.name, [...(recorded.get(definition.name) ?? []), value]);
      };
      const meter: Meter = {
        counter: (definition) => ({ add: metric(definition) }),
        gauge: (definition) => ({ set: metric(definition) }),
        histogram: (definition) => ({ record: metric(definition) }),
      };
      const { wal } = await mustOpen({ directory: `${temporaryDirectory()}/wal`, thread }, { meter });
      for (let index = 1; index <= 5; index++) {
        await new Promise<void>((resolve) =>
          wal.append({ entries: [buildEntry(index)], mustSync: index % 2 === 1 }, resolve),
        );
      }
      await wal.close();
      expect(recorded.get("wal.sync.duration")?.length).toBe(3);
      expect(recorded.get("wal.write.duration")?.length).toBe(5);
      expect(recorded.get("wal.written")?.reduce((sum, bytes) => sum + bytes)).toBe(wal.stats().bytes);
      const sync = definitions.find((definition) => definition.name === "wal.sync.duration");
      expect([sync?.buckets?.[0], sync?.buckets?.length]).toEqual([0.001, 14]);
    });
  });
}
