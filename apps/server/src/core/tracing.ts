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
import type { LogIndex, MemberId, Revision } from "@quorate/common";
import type { Committed } from "@quorate/mvcc";
import type { Entry, RaftMessage } from "@quorate/raft";
import { type EntryView, viewEntry } from "./entry-codec.js";
import { FollowerSpans } from "./follower-spans.js";
import type { RangeAnswer } from "./range-jobs.js";

/** What is being traced of one entry: from its arrival in the core until it is applied. */
type Traced = {
  readonly key: Key;
  readonly parent: Context;
  readonly propose: Span;
  /** The span of what the core does of its own accord; it ends with the entry. */
  readonly root: Span | undefined;
  /** From the moment the entry first leaves for a follower until a quorum has it. */
  replicate: Span | undefined;
  index: number;
  isPersisted: boolean;
};

/** A request's serial number; with the number of its member in front when that is not this one. */
type Key = number | string;

const noLinks: readonly SpanContext[] = [];

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
 * The tree of a put: the call's server span; under it `core.propose` until its entry is on disk, `core.replicate` until a quorum has it, with the
 * spans of each follower in that (its own `core.apply` too), `core.apply`, and in that `core.watch`, which hands the changes to watchers and links to their streams. For a put
 * at a follower, the leader's part is under the follower's `core.propose`. What a batch shares is one span that links to all in it: the log's `wal.sync` to the proposals, the
 * store's `mvcc.flush` to what was applied. The end of leases is such a tree under `core.lease-expiry`.
 */
export class Tracing {
  readonly #tracer: Tracer | undefined;
  readonly #bySerial = new Map<Key, Traced>();
  readonly #byIndex = new Map<number, Traced>();
  readonly #waiting = new Map<number, Span>();
  #unflushed: { revision: Revision; context: SpanContext }[] = [];
  readonly #follower: FollowerSpans | undefined;
  #member = -1;

  constructor(tracer: Tracer | undefined) {
    this.#tracer = tracer;
    this.#follower = tracer && new FollowerSpans(tracer);
  }

  /** @param member the number that request ids of this member have. */
  begin(member: number): void {
    this.#member = member;
  }

  /** True when no entry is traced right now. */
  get isQuiet(): boolean {
    return this.#bySerial.size === 0 && this.#follower?.isQuiet !== false;
  }

  /** Entries are about to leave for another member. @returns the spans they belong to, by position, or undefined when none is traced. */
  leaving(message: RaftMessage): ReadonlyMap<number, SpanContext> | undefined {
    if (this.#bySerial.size === 0 || (message.kind !== "append" && message.kind !== "propose")) return undefined;
    let traces: Map<number, SpanContext> | undefined;
    for (let position = 0; position < message.entries.length; position++) {
      const entry = message.entries[position] as Pick<Entry, "kind" | "data">;
      const traced = this.#bySerial.get(this.#keyOf(entry));
      if (traced === undefined) continue;
      traces ??= new Map();
      traces.set(position, this.#leaving(traced, message.kind).spanContext());
    }
    return traces;
  }

  /** Entries have come from another member, with the spans they belong to. */
  arrived(from: MemberId, message: RaftMessage, traces: ReadonlyMap<number, SpanContext>): void {
    if (this.#tracer === undefined) return;
    if (message.kind === "append") return this.#follower?.received(from, message.entries, traces);
    if (message.kind !== "propose") return;
    for (const [position, context] of traces) {
      const entry = message.entries[position];
      const key = entry === undefined ? -1 : this.#keyOf(entry);
      if (typeof key === "string" && isSampled(context)) {
        this.#propose(key, trace.setSpanContext(ROOT_CONTEXT, context), undefined);
      }
    }
  }

  /** A quorum has the entries up to here. @param by the member whose word completed it, on a leader. */
  committed(commit: LogIndex, by: MemberId | undefined): void {
    if (this.isQuiet) return;
    this.#follower?.committed(commit);
    for (const [index, traced] of this.#byIndex) {
      if (index > commit) continue;
      if (by !== undefined) traced.replicate?.setAttribute("raft.quorum.member", by.toString(16));
      traced.replicate?.end();
      if (typeof traced.key !== "string") continue;
      endPropose(traced);
      this.#take(traced.key); // who asked for it answers it; here it is only applied
      this.#follower?.willApply(index, traced.parent);
    }
  }

  /** What there was to say to other members has been said. */
  sent(): void {
    this.#follower?.sent();
  }

  /** Another member leads: what has come from others, and is not stored, may never be. */
  leaderChanged(): void {
    this.#follower?.clear();
    for (const key of [...this.#bySerial.keys()]) if (typeof key === "string") this.dropped(key, "core/leader-changed");
  }

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
  persisting(entries: readonly Entry[]): readonly SpanContext[] {
    if (this.isQuiet) return noLinks;
    const links: SpanContext[] = [];
    this.#follower?.persisting(entries, links);
    if (this.#bySerial.size === 0) return links;
    for (const entry of entries) {
      const traced = this.#bySerial.get(this.#keyOf(entry));
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
    if (this.isQuiet) return;
    this.#follower?.persisted(entries);
    if (this.#byIndex.size === 0) return;
    for (const entry of entries) {
      const traced = this.#byIndex.get(entry.index);
      if (traced !== undefined) endPropose(traced);
    }
  }

  /**
   * An entry is being applied.
   * @param serial of a request that is answered here; absent when another member answers it.
   * @returns undefined when it is not traced.
   */
  applying(index: LogIndex, serial: number | undefined): Applying | undefined {
    if (this.#tracer === undefined || this.isQuiet) return undefined;
    const followed = this.#follower?.applying(index);
    const traced = serial === undefined ? undefined : this.#take(serial);
    const parent = traced?.parent ?? followed;
    if (parent === undefined) return undefined;
    if (traced !== undefined) endPropose(traced);
    traced?.replicate?.end();
    const tracer = this.#tracer;
    const span = tracer.startSpan("core.apply", { attributes: { "raft.index": index } }, parent);
    return {
      watch: (deliver) => watchUnder(tracer, trace.setSpan(parent, span), deliver),
      end: (outcome) => {
        if ("fault" in outcome) span.setAttribute("error.type", outcome.fault);
        else if (outcome.committed !== undefined) this.#applied(span, outcome.committed);
        span.end();
        traced?.root?.end();
      },
    };
  }

  /** A request will not be applied here: refused, or its caller has gone. */
  dropped(serial: Key, fault: string): void {
    const traced = this.#take(serial);
    if (traced === undefined) return;
    traced.replicate?.end();
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

  #propose(key: Key, parent: Context, root: Span | undefined): void {
    if (this.#tracer === undefined) return;
    if (this.#bySerial.size >= tracedMax) this.dropped(this.#bySerial.keys().next().value as Key, "core/untraced");
    const propose = this.#tracer.startSpan("core.propose", {}, parent);
    this.#bySerial.set(key, { key, parent, propose, root, replicate: undefined, index: 0, isPersisted: false });
  }

  /** The span that the other member's spans go under. */
  #leaving(traced: Traced, kind: "append" | "propose"): Span {
    if (kind === "propose" || this.#tracer === undefined) return traced.propose;
    traced.replicate ??= this.#tracer.startSpan("core.replicate", {}, traced.parent);
    return traced.replicate;
  }

  #keyOf(entry: Pick<Entry, "kind" | "data">): Key {
    if (entry.kind !== "normal" || entry.data.length === 0) return -1;
    const { member, serial }: EntryView = viewEntry(entry.data);
    return member === this.#member ? serial : `${member}/${serial}`;
  }

  #take(serial: Key): Traced | undefined {
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
