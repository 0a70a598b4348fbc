import { assert, type LogIndex, type MemberId, type SpanContext, type Term } from "@quorate/common";
import type { WatchHub } from "@quorate/mvcc";
import {
  decodeConfChange,
  type Entry,
  type Envelope,
  type MemoryLog,
  type RaftEvent,
  type RaftFault,
  type RaftNode,
  type ReadState,
  type SoftState,
} from "@quorate/raft";
import type { Wal } from "@quorate/wal";
import type { Fault } from "../public-errors.js";
import { applyRequest } from "./apply-entry.js";
import { ApplyQueue } from "./apply-queue.js";
import { ClusterKeeper } from "./cluster-keeper.js";
import { applyConfChange } from "./conf-change-apply.js";
import { type CoreLink, type FromCore, type FrontState, isSameState, type ToCore } from "./core-link.js";
import type { CoreOptions, CorePorts } from "./core-options.js";
import { CoreQuestions } from "./core-questions.js";
import { Driver, type DriverHost } from "./driver.js";
import { EntryField, type EntryView, serialOf, viewEntry } from "./entry-codec.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { LogKeeper } from "./log-keeper.js";
import type { MemberState } from "./member-state.js";
import { Proposer } from "./proposer.js";
import type { RequestSerial } from "./request-serial.js";
import { WatchReplies } from "./watch-reply.js";
import { type Watch, WatchStreams } from "./watch-streams.js";

/** What a core is made of. */
export type CoreParts = Readonly<{
  state: MemberState;
  raft: RaftNode;
  log: MemoryLog;
  wal: Wal;
  hub: WatchHub<Watch>;
  serial: RequestSerial;
  applied: { index: LogIndex; term: Term };
  /** The last snapshot that the log knows of; 0 when there is none. */
  markedIndex: LogIndex;
}>;

/** Requests of the log whose size counts against the quota. */
const costly: ReadonlySet<number> = new Set([EntryField.put, EntryField.txn, EntryField.leaseGrant]);
const putOverheadBytes = 256;
const noSpans: readonly SpanContext[] = [];

/**
 * The heart of a member: takes requests from its fronts, gets them through the log, applies them, and answers. One thread, no waiting: whatever takes
 * time is asked for here and finished when it calls back.
 */
export class MemberCore implements CoreLink, DriverHost {
  readonly #parts: CoreParts;
  readonly #options: CoreOptions;
  readonly #ports: CorePorts;
  readonly #emit: (message: FromCore) => void;
  readonly #driver: Driver;
  readonly #apply: ApplyQueue;
  readonly #watches: WatchStreams;
  readonly #leases: LeaseKeeper;
  readonly #cluster: ClusterKeeper;
  readonly #logKeeper: LogKeeper;
  readonly #questions: CoreQuestions;
  #soft: SoftState = { leader: undefined, role: "follower" };
  #applied: { index: LogIndex; term: Term };
  #commit: LogIndex;
  #told: FrontState | undefined;
  #mayCampaign = false;
  /** Who waits for an entry to be applied. */
  #awaited: { index: LogIndex; run(): void } | undefined;
  #isTicking = false;
  #isStopped = false;

  constructor(parts: CoreParts, options: CoreOptions, ports: CorePorts, emit: (message: FromCore) => void) {
    this.#parts = parts;
    this.#options = options;
    this.#ports = ports;
    this.#emit = emit;
    this.#applied = parts.applied;
    this.#commit = parts.applied.index;
    const { state } = parts;
    this.#driver = new Driver({ raft: parts.raft, log: parts.log, wal: parts.wal, host: this }, ports);
    const proposer = new Proposer(parts.serial, (entry, serial, root) => {
      if (root !== undefined) ports.tracing.proposedAlone(serial, root);
      this.#propose(entry, serial);
    });
    this.#apply = new ApplyQueue(
      {
        apply: (entry) => this.#applyEntry(entry),
        hasRoom: () => !state.mvcc.isHeadFull(),
        onRoom: (run) => state.mvcc.onHeadDrained(run),
        applied: (entry) => this.#appliedTo(entry),
      },
      ports,
    );
    this.#leases = new LeaseKeeper(
      {
        state,
        proposer,
        seen: () => ({ term: parts.raft.term, applied: this.#applied.index }),
        onExpired: (count) => ports.observe.leasesExpired(count),
      },
      ports,
    );
    this.#watches = new WatchStreams(
      {
        hub: parts.hub,
        replies: new WatchReplies(state.headers, () => this.#applied.term),
        revision: () => state.mvcc.revision,
        send: (stream, messageParts) => emit({ kind: "watch", stream, parts: messageParts }),
      },
      { progressIntervalMs: options.watchProgressMs, fragmentBytes: options.fragmentBytes },
      ports,
    );
    this.#cluster = new ClusterKeeper({ state, proposer }, options, ports);
    this.#logKeeper = new LogKeeper(
      {
        mvcc: state.mvcc,
        wal: parts.wal,
        log: parts.log,
        markedIndex: parts.markedIndex,
        confState: () => parts.raft.confState,
      },
      options,
      ports,
    );
    this.#questions = new CoreQuestions(
      {
        state,
        leases: this.#leases,
        term: () => this.#applied.term,
        facts: () => ({ leader: this.#soft.leader, commit: this.#commit, applied: this.#applied.index }),
        askReadIndex: (context) => {
          this.#driver.push({ kind: "read-index", context });
          this.#driver.run();
        },
        emit,
        onResized: () => this.#tellState(),
      },
      options,
      ports,
    );
  }

  /** Resolves when a leader exists and this member has told the cluster its name and URLs: from then on clients may be served. */
  get ready(): Promise<void> {
    return this.#cluster.published;
  }

  /** Begins to tick. A member that is the only voter leads at once. */
  start(): void {
    this.#isTicking = true;
    this.#tick();
    this.#campaignIfAlone();
  }

  /** Writes down what a restart should not forget, and stops. Nothing is answered after this. */
  async stop(): Promise<void> {
    this.#leases.checkpointAll();
    await this.#whenApplied();
    await this.#logKeeper.drain();
    this.#isStopped = true;
    this.#isTicking = false;
    this.#leases.stop();
    this.#watches.stop();
    this.#questions.stop();
    this.#cluster.stop();
    this.#logKeeper.stop();
    this.#apply.stop();
    this.#driver.stop();
  }

  /** Waits until all that was proposed here is applied, but not for ever: leadership may be lost meanwhile. */
  #whenApplied(): Promise<void> {
    this.#driver.run();
    const index = this.#parts.log.lastIndex;
    if (this.#soft.role !== "leader" || this.#applied.index >= index) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#ports.clock.after(this.#options.tickMs * this.#options.electionTicks, resolve);
      const run = (): void => {
        timer.cancel();
        resolve();
      };
      this.#awaited = { index, run };
    });
  }

  /** Open watch streams. */
  get watchStreams(): number {
    return this.#watches.streamCount;
  }

  /** Where this member stands, for metrics and pages. */
  facts(): { leader: MemberId | undefined; isLeader: boolean; term: Term; commit: LogIndex; applied: LogIndex } {
    const { leader, role } = this.#soft;
    const { raft } = this.#parts;
    return { leader, isLeader: role === "leader", term: raft.term, commit: this.#commit, applied: this.#applied.index };
  }

  send(message: ToCore): void {
    if (this.#isStopped) return;
    switch (message.kind) {
      case "propose":
        this.#ports.tracing.proposed(message.serial, message.trace);
        return this.#propose(message.entry, message.serial);
      case "raise-no-space":
        return this.#cluster.raiseNoSpace();
      case "watch-open":
        return this.#watches.open(message.stream);
      case "watch-request":
        return this.#watches.request(message.stream, message.request, message.trace);
      case "watch-drained":
        return this.#watches.drained(message.stream, message.bytes);
      case "watch-close":
        return this.#watches.close(message.stream);
      default:
        return this.#questions.ask(message);
    }
  }

  // What the driver hands over.

  softStateChanged(soft: SoftState): void {
    const had = this.#soft;
    this.#soft = soft;
    if (had.role === "leader" && soft.role !== "leader") this.#leases.follow();
    this.#ports.observe.leaderChanged(soft.role === "leader", soft.leader !== undefined);
    this.#tellState();
  }

  refused(fault: RaftFault): void {
    if (!("proposalId" in fault) || fault.proposalId === undefined) return;
    this.#ports.observe.proposalFailed();
    const isOverload = fault.code === "raft/proposal-dropped" && fault.reason === "uncommitted-limit";
    const told: Fault = isOverload ? { code: "server/too-many-requests" } : fault;
    this.#ports.tracing.dropped(fault.proposalId, told.code);
    this.#emit({ kind: "fail", serial: fault.proposalId, fault: told });
  }

  happened(event: RaftEvent): void {
    if (event.kind === "commit-advanced") this.#commit = event.commit;
    else if (event.kind === "became-leader") this.#ports.logger.info("became leader", { "raft.term": event.term });
  }

  /** Peers come with the transport between members; a member alone has nobody to send to. */
  sendToPeers(envelopes: readonly Envelope[]): void {
    assert(envelopes.length === 0 || this.#parts.raft.confState.voters.length > 1, "a lone member sends no messages");
  }

  persisting(entries: readonly Entry[]): readonly SpanContext[] {
    const { member } = this.#parts.serial;
    const { tracing } = this.#ports;
    return tracing.isQuiet ? noSpans : tracing.persisting(entries, (entry) => serialOf(entry, member));
  }

  persisted(entries: readonly Entry[]): void {
    if (!this.#ports.tracing.isQuiet) this.#ports.tracing.persisted(entries);
  }

  committed(entries: readonly Entry[]): void {
    const last = entries[entries.length - 1] as Entry;
    if (last.index > this.#commit) this.#commit = last.index;
    this.#apply.push(entries);
  }

  readAllowed(state: ReadState): void {
    this.#questions.readAllowed(state.context, state.index, this.#applied.index);
  }

  #propose(entry: Uint8Array, serial: number): void {
    this.#driver.push({ kind: "propose", data: entry, proposalId: serial });
  }

  /** Who is the only voter need not wait for an election timeout. */
  #campaignIfAlone(): void {
    const { voters, votersOutgoing } = this.#parts.raft.confState;
    const isAlone = voters.length === 1 && votersOutgoing.length === 0 && voters[0] === this.#parts.state.member;
    if (isAlone && this.#soft.leader === undefined) this.#driver.push({ kind: "campaign" });
  }

  #tick(): void {
    if (!this.#isTicking) return;
    this.#driver.push({ kind: "tick" });
    this.#tellState();
    this.#ports.clock.after(this.#options.tickMs, () => this.#tick());
  }

  #applyEntry(entry: Entry): void {
    const { state } = this.#parts;
    const { index, term } = entry;
    const nowMs = this.#ports.clock.monotonicMs();
    this.#applied = { index, term };
    if (entry.kind !== "normal") {
      const context = { index, term, nowMs, isAwaited: false };
      applyConfChange(state, this.#parts.raft, decodeConfChange(entry.kind, entry.data), context);
      this.#mayCampaign = true; // a member does not campaign while a change of members waits
      return;
    }
    if (entry.data.length === 0) {
      state.mvcc.markApplied(this.#applied);
      return;
    }
    const view = viewEntry(entry.data);
    const isAwaited = this.#parts.serial.mayBeAwaited(view);
    const isOverQuota = costly.has(view.field) && this.#isOverQuota(view.end - view.start);
    const span = isAwaited ? this.#ports.tracing.applying(view.serial) : undefined;
    const outcome = applyRequest(state, entry.data, view, { index, term, nowMs, isAwaited });
    const { observe, clock } = this.#ports;
    const tookMs = clock.monotonicMs() - nowMs;
    observe.applied(view.field, tookMs / 1000, outcome.kind === "done");
    if (tookMs > this.#options.slowApplyMs) this.#warnSlowApply(view, tookMs);
    if (outcome.kind === "refused") {
      state.mvcc.markApplied(this.#applied);
      span?.end({ fault: outcome.fault.code });
      if (isAwaited) this.#answer(view, entry.data, { fault: outcome.fault });
      return;
    }
    const { committed } = outcome;
    if (committed !== undefined && committed.changes.length > 0) {
      observe.changed(committed);
      if (span === undefined || this.#watches.streamCount === 0) this.#watches.publish(committed);
      else span.watch((delivered) => this.#watches.publish(committed, delivered));
    }
    span?.end({ committed });
    if (!isAwaited) return;
    if (isOverQuota) {
      this.#cluster.raiseNoSpace();
      return this.#answer(view, entry.data, { fault: { code: "server/no-space" } });
    }
    const { unanswerable: fault, reply } = outcome;
    this.#answer(view, entry.data, fault === undefined ? { reply } : { fault });
  }

  #warnSlowApply(view: EntryView, tookMs: number): void {
    this.#ports.logger.warn("apply request took too long", {
      took: `${tookMs.toFixed(3)}ms`,
      "expected-duration": `${this.#options.slowApplyMs}ms`,
      prefix: "",
      request: `ID:${view.serial} field:${view.field} size:${view.end - view.start}`,
    });
  }

  #answer(view: EntryView, data: Uint8Array, answer: { reply: Uint8Array } | { fault: Fault }): void {
    const { serial } = view;
    const tell = (): void => {
      if ("fault" in answer) this.#emit({ kind: "fail", serial, fault: answer.fault });
      else this.#emit({ kind: "reply", serial, parts: [answer.reply] });
    };
    if (view.field !== EntryField.compaction) return tell();
    this.#questions.answerCompaction(data, view, tell);
  }

  #isOverQuota(requestBytes: number): boolean {
    const quota = this.#options.quotaBytes;
    if (quota === undefined) return false;
    return this.#databaseBytes() + putOverheadBytes + requestBytes >= quota;
  }

  /** The database as it will be: its file, and what has not reached it yet. */
  #databaseBytes(): number {
    const { mvcc } = this.#parts.state;
    return mvcc.size().totalBytes + mvcc.headBytes();
  }

  /** A run of entries is applied. */
  #appliedTo(entry: Entry): void {
    this.#driver.push({ kind: "applied", index: entry.index });
    if (this.#mayCampaign) {
      this.#mayCampaign = false;
      this.#campaignIfAlone();
    }
    if (this.#soft.role === "leader" && !this.#leases.isLeading && entry.term === this.#parts.raft.term) {
      this.#leases.lead(this.#options.tickMs * this.#options.electionTicks);
      this.#cluster.lead();
    }
    this.#leases.applied();
    this.#cluster.applied();
    this.#questions.applied(entry.index);
    this.#logKeeper.applied(entry.index);
    if (this.#awaited !== undefined && entry.index >= this.#awaited.index) this.#awaited.run();
    this.#tellState();
  }

  #tellState(): void {
    const state: FrontState = {
      leader: this.#soft.leader,
      isLearner: this.#parts.state.membership.get(this.#parts.state.member)?.isLearner ?? false,
      databaseBytes: this.#databaseBytes(),
      quotaBytes: this.#options.quotaBytes,
      applyBacklog: this.#apply.backlog,
    };
    if (this.#told !== undefined && isSameState(this.#told, state)) return;
    this.#told = state;
    this.#emit({ kind: "state", state });
  }
}
