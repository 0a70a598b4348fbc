import { type Context, ROOT_CONTEXT, type Span, type SpanContext, type Tracer, trace } from "@opentelemetry/api";
import type { Entry } from "@quorate/raft";

/** What is being traced of one request: from its arrival in the core to its answer. */
type Traced = { readonly parent: Context; readonly propose: Span; index: number };

/**
 * Spans of the core. Only requests whose caller is traced cost anything: the others are recognised by an empty map.
 * The tree of a put: front, `core.propose` (from here to the disk), `core.apply`; the sync itself is one span of the log that links to all requests in
 * it.
 */
export class Tracing {
  readonly #tracer: Tracer | undefined;
  readonly #bySerial = new Map<number, Traced>();
  readonly #byIndex = new Map<number, Traced>();

  constructor(tracer: Tracer | undefined) {
    this.#tracer = tracer;
  }

  /** True when nothing is traced right now. */
  get isQuiet(): boolean {
    return this.#bySerial.size === 0;
  }

  /** A traced request is about to be proposed. */
  proposed(serial: number, caller: SpanContext | undefined): void {
    if (this.#tracer === undefined || caller === undefined) return;
    const parent = trace.setSpanContext(ROOT_CONTEXT, caller);
    const propose = this.#tracer.startSpan("core.propose", {}, parent);
    this.#bySerial.set(serial, { parent, propose, index: 0 });
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
    for (const entry of entries) this.#byIndex.get(entry.index)?.propose.addEvent("persisted");
  }

  /** An entry is being applied. @returns what ends its span; undefined when it is not traced. */
  applying(serial: number): { context: Context; end(fault: string | undefined): void } | undefined {
    if (this.#tracer === undefined || this.isQuiet) return undefined;
    const traced = this.#bySerial.get(serial);
    if (traced === undefined) return undefined;
    this.#bySerial.delete(serial);
    this.#byIndex.delete(traced.index);
    traced.propose.end();
    const span = this.#tracer.startSpan("core.apply", { attributes: { "raft.index": traced.index } }, traced.parent);
    const end = (fault: string | undefined): void => {
      if (fault !== undefined) span.setAttribute("error.type", fault);
      span.end();
    };
    return { context: trace.setSpan(traced.parent, span), end };
  }

  /** A request will not be applied here: refused, or its caller has gone. */
  dropped(serial: number, fault: string): void {
    const traced = this.#bySerial.get(serial);
    if (traced === undefined) return;
    this.#bySerial.delete(serial);
    this.#byIndex.delete(traced.index);
    traced.propose.setAttribute("error.type", fault).end();
  }

  /** Runs a read under a span of its own. */
  read<T>(name: "core.range" | "core.read-txn", caller: SpanContext | undefined, read: () => T): T {
    if (this.#tracer === undefined || caller === undefined) return read();
    const span = this.#tracer.startSpan(name, {}, trace.setSpanContext(ROOT_CONTEXT, caller));
    try {
      return read();
    } finally {
      span.end();
    }
  }

  /** A span of the core's own doing, like the end of leases. */
  start(name: "core.lease-expiry" | "core.watch", caller?: SpanContext): Span | undefined {
    if (this.#tracer === undefined) return undefined;
    const parent = caller === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
    return this.#tracer.startSpan(name, {}, parent);
  }
}
