import type { LogIndex, MemberId, SpanContext, Term } from "@quorate/common";
import type { Entry, Envelope, RaftEvent, RaftFault, RaftInput, ReadState, SoftState } from "@quorate/raft";
import type { EntryId } from "@quorate/mvcc";
import type { Fault } from "../public-errors.js";
import { AppliedWaits } from "./applied-waits.js";
import { Applier } from "./applier.js";
import { ClusterKeeper } from "./cluster-keeper.js";
import type { CoreLink, FromCore, ToCore } from "./core-link.js";
import type { CoreOptions, CorePorts } from "./core-options.js";
import type { CoreParts } from "./core-parts.js";
import { CoreQuestions } from "./core-questions.js";
import { Driver, type DriverHost } from "./driver.js";
import { FrontReport } from "./front-report.js";
import { HeartbeatWatch } from "./heartbeat-watch.js";
import type { HeldInput } from "./held-proposals.js";
import { LeaseCourier } from "./lease-courier.js";
import { Leadership } from "./leadership.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { LoneVoter } from "./lone-voter.js";
import { LogKeeper } from "./log-keeper.js";
import { PeerSide } from "./peer-side.js";
import { Proposals } from "./proposals.js";
import { Proposer } from "./proposer.js";
import { Restorer } from "./restorer.js";
import { SnapshotMover } from "./snapshot-mover.js";
import { WatchReplies } from "./watch-reply.js";
import { WatchStreams } from "./watch-streams.js";

/**
 * The heart of a member: takes requests from its fronts, gets them through the log, applies them, and answers. One thread, no waiting: whatever takes
 * time is asked for here and finished when it calls back.
 */
export class MemberCore implements CoreLink, DriverHost {
  /** Puts received snapshots in the place of the database. */
  readonly restorer: Restorer;
  /** What this member knows of the cluster and tells it. */
  readonly cluster: ClusterKeeper;
  readonly #parts: CoreParts;
  readonly #options: CoreOptions;
  readonly #ports: CorePorts;
  readonly #emit: (message: FromCore) => void;
  readonly #driver: Driver;
  readonly #leadership: Leadership;
  readonly #proposals: Proposals;
  readonly #waits: AppliedWaits;
  readonly #loneVoter: LoneVoter;
  readonly #snapshots: SnapshotMover;
  readonly #peers: PeerSide;
  readonly #report: FrontReport;
  readonly #heartbeats: HeartbeatWatch;
  readonly #applier: Applier;
  readonly #watches: WatchStreams;
  readonly #leases: LeaseKeeper;
  readonly #logKeeper: LogKeeper;
  readonly #questions: CoreQuestions;
  #commit: LogIndex;
  #hasMoved = false;
  #hasJoined = false;
  #isTicking = false;
  #isStopped = false;

  constructor(parts: CoreParts, options: CoreOptions, ports: CorePorts, emit: (message: FromCore) => void) {
    this.#parts = parts;
    this.#options = options;
    this.#ports = ports;
    this.#emit = emit;
    this.#commit = parts.state.mvcc.applied.index;
    ports.tracing.begin(parts.serial.member);
    const { state } = parts;
    this.#driver = new Driver({ raft: parts.raft, log: parts.log, wal: parts.wal, host: this }, ports);
    const push = (input: RaftInput): void => this.#driver.push(input);
    this.#report = new FrontReport({ state, emit }, options);
    this.#waits = new AppliedWaits(ports);
    this.#heartbeats = new HeartbeatWatch(options, ports);
    const { network } = ports;
    const confirm = (tell: (isConfirmed: boolean) => void): void => this.#questions.confirm(tell);
    this.#leadership = new Leadership({ ...parts, member: state.member, network, push, confirm }, options, ports);
    this.#loneVoter = new LoneVoter({ ...parts, member: state.member, leadership: this.#leadership, push });
    const fail = (serial: number, fault: Fault): void => emit({ kind: "fail", serial, fault });
    const isRetried = (serial: number): boolean => this.cluster.changes.refused(serial);
    const leadership = this.#leadership;
    this.#proposals = new Proposals({ ...parts, leadership, push, fail, isRetried }, options, ports);
    const committed = (): LogIndex => this.#commit;
    this.#snapshots = new SnapshotMover({ ...parts, ...state, network, push, committed }, options, ports);
    const pushAll = (inputs: readonly RaftInput[]): void => this.#driver.pushAll(inputs);
    const unsent = (inputs: readonly HeldInput[]): void => this.#proposals.unplaced(inputs);
    this.#peers = new PeerSide({ ...parts, push: pushAll, unsent, snapshots: this.#snapshots }, options, ports);
    const proposer = new Proposer(parts.serial, (entry, serial, root) => {
      if (root !== undefined) ports.tracing.proposedAlone(serial, root);
      this.#proposals.propose(entry, serial);
    });
    const seen = () => ({ term: parts.raft.term, applied: this.#applier.applied.index });
    this.#leases = new LeaseKeeper({ state, proposer, seen }, ports);
    this.#watches = this.#openWatches();
    const leader = (): MemberId | undefined => leadership.leader;
    this.cluster = new ClusterKeeper(
      {
        ...parts,
        ...{ proposer, proposals: this.#proposals, questions: this.#peers.questions, leader, emit },
        handOver: () => void this.handOver(),
        whenCaughtUp: (timeoutMs, run) => this.#whenCaughtUp(timeoutMs, run),
      },
      options,
      ports,
    );
    this.#logKeeper = new LogKeeper({ ...parts, mvcc: state.mvcc, snapshots: this.#snapshots }, options, ports);
    this.#questions = this.#openQuestions();
    this.#applier = this.#openApplier();
    this.restorer = new Restorer({
      ...parts,
      ...{ applier: this.#applier, watches: this.#watches, peers: this.#peers },
      ...{ logKeeper: this.#logKeeper, snapshots: this.#snapshots },
      onRestored: (applied) => {
        if (applied.index > this.#commit) this.#commit = applied.index;
        this.#appliedUpTo(applied);
      },
    });
  }

  #openWatches(): WatchStreams {
    const { state, hub } = this.#parts;
    return new WatchStreams(
      {
        hub,
        replies: new WatchReplies(state.headers, () => this.#applier.applied.term),
        revision: () => state.mvcc.revision,
        send: (stream, messageParts) => this.#emit({ kind: "watch", stream, parts: messageParts }),
      },
      { progressIntervalMs: this.#options.watchProgressMs, fragmentBytes: this.#options.fragmentBytes },
      this.#ports,
    );
  }

  #openQuestions(): CoreQuestions {
    const { state } = this.#parts;
    const courier = new LeaseCourier(
      {
        member: state.member,
        network: this.#ports.network,
        leadership: this.#leadership,
        leases: this.#leases,
        questions: this.#peers.questions,
        caughtUp: (timeoutMs, run) => this.#whenCaughtUp(timeoutMs, run),
      },
      this.#options,
      this.#ports,
    );
    return new CoreQuestions(
      {
        state,
        leases: this.#leases,
        courier,
        term: () => this.#applier.applied.term,
        facts: () => ({ leader: this.#leadership.leader, commit: this.#commit, applied: this.#applier.applied.index }),
        askReadIndex: (context) => {
          this.#driver.push({ kind: "read-index", context });
          this.#driver.run();
        },
        emit: this.#emit,
        onResized: () => this.#tellState(),
      },
      this.#options,
      this.#ports,
    );
  }

  #openApplier(): Applier {
    return new Applier(
      {
        ...this.#parts,
        watches: this.#watches,
        emit: this.#emit,
        raiseNoSpace: () => this.cluster.raiseNoSpace(),
        answerCompaction: (data, view, tell) => this.#questions.answerCompaction(data, view, tell),
        onConfChange: (change, outcome, serial) => {
          this.#loneVoter.changed();
          this.#peers.membersChanged();
          this.cluster.changed(change, outcome, serial);
        },
        onApplied: (entry) => this.#appliedTo(entry),
      },
      this.#options,
      this.#ports,
    );
  }

  /** Resolves when a leader exists and this member has told the cluster its name and URLs: from then on clients may be served. */
  get ready(): Promise<void> {
    return this.cluster.published;
  }

  /** Begins to tick. A member that is the only voter leads at once. */
  start(): void {
    this.#isTicking = true;
    this.#peers.start();
    this.#tick();
    this.#loneVoter.campaign();
  }

  /** Lets another voter lead, if this member does: the others then need not wait for an election. Takes no longer than a request may. */
  async handOver(): Promise<void> {
    if (this.#hasMoved || this.#isStopped) return;
    this.#hasMoved = true;
    await this.#leadership.handOver();
  }

  /** Hands leadership over, writes down what a restart should not forget, and stops. Nothing is answered after this. */
  async stop(): Promise<void> {
    await this.handOver();
    this.#leases.checkpointAll();
    await this.#whenApplied();
    await this.#snapshots.settled();
    await this.#logKeeper.drain();
    this.#isStopped = true;
    this.#isTicking = false;
    this.#leases.stop();
    this.#watches.stop();
    this.#leadership.stop();
    this.#questions.stop();
    this.#waits.stop();
    this.#peers.stop();
    this.#snapshots.stop();
    this.cluster.stop();
    this.#logKeeper.stop();
    this.#applier.stop();
    this.#driver.stop();
  }

  /** Waits until all that was proposed here is applied, but not for ever: leadership may be lost meanwhile. */
  #whenApplied(): Promise<void> {
    this.#driver.run();
    const index = this.#parts.log.lastIndex;
    if (!this.#leadership.isLeader || this.#applier.applied.index >= index) return Promise.resolve();
    const timeoutMs = this.#options.tickMs * this.#options.electionTicks;
    return new Promise((resolve) => this.#waits.add({ index, timeoutMs, run: () => resolve() }));
  }

  #whenCaughtUp(timeoutMs: number, run: (isThere: boolean) => void): void {
    if (this.#applier.applied.index >= this.#commit) return run(true);
    this.#waits.add({ index: this.#commit, timeoutMs, run });
  }

  /** Open watch streams. */
  get watchStreams(): number {
    return this.#watches.streamCount;
  }

  /** Where this member stands, for metrics and pages. */
  facts(): { leader: MemberId | undefined; isLeader: boolean; term: Term; commit: LogIndex; applied: LogIndex } {
    const { leader, isLeader } = this.#leadership;
    const applied = this.#applier.applied.index;
    return { leader, isLeader, term: this.#parts.raft.term, commit: this.#commit, applied };
  }

  send(message: ToCore): void {
    if (this.#isStopped) return;
    switch (message.kind) {
      case "propose":
        this.#ports.tracing.proposed(message.serial, message.trace);
        return this.#proposals.propose(message.entry, message.serial);
      case "member-change":
        return this.cluster.changes.ask(message.serial, message.request);
      case "cancel":
        this.cluster.changes.cancel(message.serial);
        this.#proposals.cancel(message.serial);
        return this.#questions.ask(message);
      case "move-leader":
        return this.#leadership.move(message.to, (fault) => this.#answerMove(message.serial, fault));
      case "give-up":
        if (!this.#questions.giveUp(message.serial)) this.#proposals.giveUp(message.serial, message.waitedMs);
        return;
      case "raise-no-space":
        return this.cluster.raiseNoSpace();
      case "watch-open":
      case "watch-request":
      case "watch-drained":
      case "watch-close":
        return this.#watches.take(message);
      default:
        return this.#questions.ask(message);
    }
  }

  // What the driver hands over.

  softStateChanged(soft: SoftState): void {
    const hasLed = this.#leadership.isLeader;
    const isNew = this.#leadership.changed(soft);
    this.#heartbeats.reset();
    if (hasLed && soft.role !== "leader") this.#leases.follow();
    if (isNew) {
      this.#questions.leaderChanged();
      this.#ports.tracing.leaderChanged();
      this.#proposals.release();
    }
    this.#join();
    this.#tellState();
  }

  refused(fault: RaftFault): void {
    this.#proposals.refused(fault);
  }

  unplaced(inputs: readonly HeldInput[]): void {
    this.#proposals.unplaced(inputs);
  }

  happened(event: RaftEvent): void {
    if (event.kind === "commit-advanced") {
      this.#commit = event.commit;
      this.#ports.tracing.committed(event.commit, event.by);
    } else if (event.kind === "became-leader") this.#ports.logger.info("became leader", { "raft.term": event.term });
  }

  sendToPeers(envelopes: readonly Envelope[]): void {
    if (this.#leadership.isLeader) this.#heartbeats.sending(envelopes);
    this.#peers.put(envelopes);
  }

  sendGathered(): void {
    this.#peers.flush();
    this.#ports.tracing.sent();
  }

  persisting(entries: readonly Entry[]): readonly SpanContext[] {
    return this.#ports.tracing.persisting(entries);
  }

  persisted(entries: readonly Entry[]): void {
    this.#ports.tracing.persisted(entries);
  }

  committed(entries: readonly Entry[]): void {
    this.#ports.observe.committed?.(entries);
    const last = entries[entries.length - 1] as Entry;
    if (last.index > this.#commit) this.#commit = last.index;
    this.#applier.push(entries);
  }

  readAllowed(state: ReadState): void {
    this.#questions.readAllowed(state.context, state.index, this.#applier.applied.index);
  }

  #answerMove(serial: number, fault: Fault | undefined): void {
    if (fault === undefined) this.#emit({ kind: "reply", serial, parts: [new Uint8Array(0)] });
    else this.#emit({ kind: "fail", serial, fault });
  }

  #tick(): void {
    if (!this.#isTicking) return;
    this.#leadership.ticked();
    this.#driver.push({ kind: "tick" });
    this.#proposals.release();
    this.#tellState();
    this.#ports.clock.after(this.#options.tickMs, () => this.#tick());
  }

  /** A run of entries is applied. */
  #appliedTo(entry: Entry): void {
    this.#driver.push({ kind: "applied", index: entry.index });
    this.#loneVoter.applied();
    this.#logKeeper.applied(entry.index);
    this.#appliedUpTo(entry);
  }

  #appliedUpTo({ index, term }: EntryId): void {
    if (term === this.#parts.raft.term) this.#appliedOfTerm();
    this.#join();
    this.#leases.applied();
    this.cluster.applied();
    this.#questions.applied(index);
    this.#waits.applied(index);
    this.#tellState();
  }

  /** There is a leader and an entry of its term is applied, perhaps in an earlier life: what came before it is known. */
  #join(): void {
    if (this.#hasJoined || this.#leadership.leader === undefined) return;
    if (this.#applier.applied.term !== this.#parts.raft.term) return;
    this.#hasJoined = true;
    this.cluster.joined();
    this.cluster.applied();
  }

  #appliedOfTerm(): void {
    if (!this.#leadership.isLeader || this.#leases.isLeading) return;
    this.cluster.lead();
    this.#leases.lead(this.#options.tickMs * this.#options.electionTicks);
  }

  #tellState(): void {
    this.#report.tell({ leader: this.#leadership.leader, applyBacklog: this.#applier.backlog });
  }
}
