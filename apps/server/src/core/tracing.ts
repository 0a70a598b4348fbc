import {
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Revision } from "@quorate/common";
import type { Committed } from "@quorate/mvcc";
import type { Entry } from "@quorate/raft";
import type { RangeAnswer } from "./range-jobs.js";

/** What is being traced of one entry: from its arrival in the core until it is applied. */
type Traced = {
  readonly parent: Context;
  readonly propose: Span;
  /** The span of what the core does of its own accord; it ends with the entry. */
  readonly root: Span | undefined;
  index: number;
  isPersisted: boolean;
};

/** Requests traced at once, and changes traced that wait for their flush. With more, the oldest are given up. */
const tracedMax = 10_000;

/** What the hub has handed to watchers of one entry: whose streams are traced, and to how many watchers. */
export type Delivered = { watchers: number; readonly streams: SpanContext[] };

/** A traced entry while it is applied. */
export interface Applying {
  /** Runs the delivery to watchers under a span of its own. */
  watch(deliver: (delivered: Delivered) => void): void;
  /** @param outcome why it was refused, or what it has changed. */
  end(outcome: { fault: string } | { committed: Committed | undefined }): void;
}

/**
 * Spans of the core. Only requests whose caller is traced cost anything: the others are recognised by an empty map.
 *
 * The tree of a put: the call's server span; under it `core.propose` until its entry is on disk, `core.apply`, and in that `core.watch`, which hands the
 * changes to watchers and links to their streams. What a batch shares is one span that links to all in it: the log's `wal.sync` to the proposals, the
 * store's `mvcc.flush` to what was applied. The end of leases is such a tree under `core.lease-expiry`.
 */
export class Tracing {
  readonly #tracer: Tracer | undefined;
  readonly #bySerial = new Map<number, Traced>();
  readonly #byIndex = new Map<number, Traced>();
  readonly #waiting = new Map<number, Span>();
  #unflushed: { revision: Revision; context: SpanContext }[] = [];

  constructor(tracer: Tracer | undefined) {
    this.#tracer = tracer;
  }

  /** True when no entry is traced right now. */
  get isQuiet(): boolean {
    return this.#bySerial.size === 0;
  }

  /** Entries are about to leave for another member. */
  leaving(): ReadonlyMap<number, SpanContext> | undefined {
    return undefined;
  }

  arrived(): void {}

  /** A request is about to be proposed; most have no caller that is traced. */
  proposed(serial: number, caller: SpanContext | undefined): void {
    if (caller === undefined || !isSampled(caller)) return;
    this.#propose(serial, trace.setSpanContext(ROOT_CONTEXT, caller), undefined);
  }

  /** The core is about to propose something of its own accord, under a span from `start`. */
  proposedAlone(serial: number, root: Span): void {
    if (root.isRecording()) this.#propose(serial, trace.setSpan(ROOT_CONTEXT, root), root);
    else root.end();
  }

  /** An entry that was proposed here is on its way to the disk. @returns what the sync should link to. */
  persisting(entries: readonly Entry[], serialOf: (entry: Entry) => number): SpanContext[] {
    const links: SpanContext[] = [];
    if (this.isQuiet) return links;
    for (const entry of entries) {
      const traced = this.#bySerial.get(serialOf(entry));
      if (traced === undefined) continue;
      traced.index = entry.index;
      traced.propose.setAttribute("raft.index", entry.index).setAttribute("raft.term", entry.term);
      this.#byIndex.set(entry.index, traced);
      links.push(traced.propose.spanContext());
    }
    return links;
  }

  /** What was written is on the disk. */
  persisted(entries: readonly Entry[]): void {
    if (this.#byIndex.size === 0) return;
    for (const entry of entries) {
      const traced = this.#byIndex.get(entry.index);
      if (traced !== undefined) endPropose(traced);
    }
  }

  /** An entry is being applied. @returns undefined when it is not traced. */
  applying(serial: number): Applying | undefined {
    if (this.#tracer === undefined || this.isQuiet) return undefined;
    const traced = this.#take(serial);
    if (traced === undefined) return undefined;
    endPropose(traced);
    const tracer = this.#tracer;
    const span = tracer.startSpan("core.apply", { attributes: { "raft.index": traced.index } }, traced.parent);
    return {
      watch: (deliver) => watchUnder(tracer, trace.setSpan(traced.parent, span), deliver),
      end: (outcome) => {
        if ("fault" in outcome) span.setAttribute("error.type", outcome.fault);
        else if (outcome.committed !== undefined) this.#applied(span, outcome.committed);
        span.end();
        traced.root?.end();
      },
    };
  }

  /** A request will not be applied here: refused, or its caller has gone. */
  dropped(serial: number, fault: string): void {
    const traced = this.#take(serial);
    if (traced === undefined) return;
    traced.propose.setAttribute("error.type", fault);
    endPropose(traced);
    traced.root?.setAttribute("error.type", fault).end();
  }

  /** A read waits until it may be served. */
  waiting(serial: number, caller: SpanContext): void {
    if (this.#tracer === undefined || !isSampled(caller) || this.#waiting.size >= tracedMax) return;
    const span = this.#tracer.startSpan("core.read-index", {}, trace.setSpanContext(ROOT_CONTEXT, caller));
    this.#waiting.set(serial, span);
  }

  /** It is served now. */
  served(serial: number): void {
    if (this.#waiting.size === 0) return;
    this.#waiting.get(serial)?.end();
    this.#waiting.delete(serial);
  }

  /** Puts a span around a range, which may take many turns: from now until it is answered. */
  range(caller: SpanContext, answer: RangeAnswer): RangeAnswer {
    if (this.#tracer === undefined || !isSampled(caller)) return answer;
    const span = this.#tracer.startSpan("core.range", {}, trace.setSpanContext(ROOT_CONTEXT, caller));
    return {
      reply: (parts) => {
        span.end();
        answer.reply(parts);
      },
      refuse: (error) => {
        span
          .setAttribute("error.type", error instanceof Error ? error.message.split(" ", 1).join("") : "unknown")
          .end();
        answer.refuse(error);
      },
    };
  }

  /** Runs a read under a span of its own. */
  read(name: "core.read-txn", caller: SpanContext | undefined, read: () => void): void {
    if (this.#tracer === undefined || caller === undefined || !isSampled(caller)) return read();
    const span = this.#tracer.startSpan(name, {}, trace.setSpanContext(ROOT_CONTEXT, caller));
    try {
      read();
    } finally {
      span.end();
    }
  }

  /** A span of the core's own doing. */
  start(name: "core.lease-expiry", attributes: Readonly<Record<string, number>>): Span | undefined {
    return this.#tracer?.startSpan(name, { root: true, attributes });
  }

  /** The tracer for the store: its flushes link to the traced requests whose changes they write. */
  storeTracer(): Tracer | undefined {
    const tracer = this.#tracer;
    if (tracer === undefined) return undefined;
    return {
      startSpan: (name, options, context) => {
        const revision = name === "mvcc.flush" ? options?.attributes?.["mvcc.revision"] : undefined;
        if (typeof revision !== "number") return tracer.startSpan(name, options, context);
        return tracer.startSpan(name, { ...options, links: this.#takeUnflushed(revision) }, context);
      },
      startActiveSpan: tracer.startActiveSpan.bind(tracer) as Tracer["startActiveSpan"],
    };
  }

  #propose(serial: number, parent: Context, root: Span | undefined): void {
    if (this.#tracer === undefined) return;
    if (this.#bySerial.size >= tracedMax) this.dropped(this.#bySerial.keys().next().value as number, "core/untraced");
    const propose = this.#tracer.startSpan("core.propose", {}, parent);
    this.#bySerial.set(serial, { parent, propose, root, index: 0, isPersisted: false });
  }

  #take(serial: number): Traced | undefined {
    const traced = this.#bySerial.get(serial);
    if (traced === undefined) return undefined;
    this.#bySerial.delete(serial);
    this.#byIndex.delete(traced.index);
    return traced;
  }

  #applied(span: Span, { revision, changes }: Committed): void {
    span.setAttribute("mvcc.revision", revision).setAttribute("mvcc.changes", changes.length);
    if (changes.length === 0) return;
    if (this.#unflushed.length >= tracedMax) this.#unflushed.shift();
    this.#unflushed.push({ revision, context: span.spanContext() });
  }

  #takeUnflushed(upTo: number): Link[] {
    const taken = this.#unflushed.filter(({ revision }) => revision <= upTo);
    this.#unflushed = this.#unflushed.filter(({ revision }) => revision > upTo);
    return taken.map(({ context }) => ({ context }));
  }
}

const isSampled = (caller: SpanContext): boolean => (caller.traceFlags & TraceFlags.SAMPLED) !== 0;

function endPropose(traced: Traced): void {
  if (traced.isPersisted) return;
  traced.isPersisted = true;
  traced.propose.end();
}

function watchUnder(tracer: Tracer, parent: Context, deliver: (delivered: Delivered) => void): void {
  const span = tracer.startSpan("core.watch", {}, parent);
  const delivered: Delivered = { watchers: 0, streams: [] };
  deliver(delivered);
  span.setAttribute("watch.watchers", delivered.watchers);
  for (const context of new Set(delivered.streams)) span.addLink({ context });
  span.end();
}
