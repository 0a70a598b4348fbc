import { type Context, ROOT_CONTEXT, type Span, type SpanContext, type Tracer, trace } from "@opentelemetry/api";
import type { LogIndex, MemberId } from "@quorate/common";
import type { Entry } from "@quorate/raft";

/** Entries followed at once. With more, the oldest are given up. */
const followedMax = 10_000;

/** An entry of another member's request, and what is being done with it here. */
type Followed = { readonly entry: Entry; readonly parent: Context; span: Span; state: "received" | "syncing" };

/**
 * Spans of a follower for entries that are traced at their leader: `core.receive` until the entry is handed to the log, `core.sync` until it is on the disk,
 * `core.acknowledge` until the leader has been told so. It remembers what the span of each entry's apply goes under.
 */
export class FollowerSpans {
  readonly #tracer: Tracer;
  readonly #followed = new Map<number, Followed>();
  readonly #toApply = new Map<number, Context>();
  #acknowledging: Span[] = [];

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  get isQuiet(): boolean {
    return this.#followed.size === 0 && this.#acknowledging.length === 0 && this.#toApply.size === 0;
  }

  /** Entries have come from a leader. @param traces their spans, by position among the entries. */
  received(from: MemberId, entries: readonly Entry[], traces: ReadonlyMap<number, SpanContext>): void {
    for (const [position, context] of traces) {
      const entry = entries[position];
      if (entry === undefined || this.#followed.get(entry.index)?.entry.term === entry.term) continue;
      this.#end(entry.index);
      if (this.#followed.size >= followedMax) this.#end(this.#followed.keys().next().value as number);
      const parent = trace.setSpanContext(ROOT_CONTEXT, context);
      const attributes = { "raft.index": entry.index, "raft.term": entry.term, "raft.leader": from.toString(16) };
      const span = this.#tracer.startSpan("core.receive", { attributes }, parent);
      this.#followed.set(entry.index, { entry, parent, span, state: "received" });
    }
  }

  /** Entries are on their way to the disk. @param links gets what the write should link to. */
  persisting(entries: readonly Entry[], links: SpanContext[]): void {
    for (const entry of entries) {
      const followed = this.#find(entry);
      if (followed === undefined) continue;
      followed.span.end();
      followed.span = this.#tracer.startSpan(
        "core.sync",
        { attributes: { "raft.index": entry.index } },
        followed.parent,
      );
      followed.state = "syncing";
      links.push(followed.span.spanContext());
    }
  }

  /** They are there. */
  persisted(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const followed = this.#find(entry);
      if (followed === undefined) continue;
      this.#end(entry.index);
      const attributes = { "raft.index": entry.index };
      this.#acknowledging.push(this.#tracer.startSpan("core.acknowledge", { attributes }, followed.parent));
      this.willApply(entry.index, followed.parent);
    }
  }

  /** The entry's apply here belongs to another member's trace. */
  willApply(index: number, parent: Context): void {
    if (this.#toApply.size >= followedMax) this.#toApply.delete(this.#toApply.keys().next().value as number);
    this.#toApply.set(index, parent);
  }

  /** An entry is being applied; what came before it has been, or was in a snapshot. @returns what its span goes under. */
  applying(index: LogIndex): Context | undefined {
    const parent = this.#toApply.get(index);
    for (const earlier of [...this.#toApply.keys()]) if (earlier <= index) this.#toApply.delete(earlier);
    return parent;
  }

  /** What there was to say has been handed to the network. */
  sent(): void {
    if (this.#acknowledging.length === 0) return;
    for (const span of this.#acknowledging) span.end();
    this.#acknowledging = [];
  }

  /** What is committed and was never on its way to the disk has been there before. */
  committed(commit: LogIndex): void {
    for (const [index, { state }] of this.#followed) if (index <= commit && state === "received") this.#end(index);
  }

  /** Another member leads: what was followed may never be stored. */
  clear(): void {
    for (const index of [...this.#followed.keys()]) this.#end(index);
    this.#toApply.clear();
    this.sent();
  }

  #find(entry: Entry): Followed | undefined {
    const followed = this.#followed.get(entry.index);
    return followed?.entry.term === entry.term ? followed : undefined;
  }

  #end(index: number): void {
    this.#followed.get(index)?.span.end();
    this.#followed.delete(index);
  }
}
