import { assert, type LogIndex, type MemberId, type SpanContext, type Term } from "@quorate/common";
import type { WatchHub } from "@quorate/mvcc";
import type { Entry, Envelope, MemoryLog, RaftEvent, RaftFault, RaftNode, ReadState, SoftState } from "@quorate/raft";
import type { Wal } from "@quorate/wal";
import type { Fault } from "../public-errors.js";
import { Applier, databaseBytesOf } from "./applier.js";
import { ClusterKeeper } from "./cluster-keeper.js";
import { type CoreLink, type FromCore, type FrontState, isSameState, type ToCore } from "./core-link.js";
import type { CoreOptions, CorePorts } from "./core-options.js";
import { CoreQuestions } from "./core-questions.js";
import { Driver, type DriverHost } from "./driver.js";
import { serialOf } from "./entry-codec.js";
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
  /** The last snapshot that the log knows of; 0 when there is none. */
  markedIndex: LogIndex;
}>;

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
  readonly #applier: Applier;
  readonly #watches: WatchStreams;
  readonly #leases: LeaseKeeper;
  readonly #cluster: ClusterKeeper;
  readonly #logKeeper: LogKeeper;
  readonly #questions: CoreQuestions;
  #soft: SoftState = { leader: undefined, role: "follower" };
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
    this.#commit = parts.state.mvcc.applied.index;
    const { state } = parts;
    this.#driver = new Driver({ raft: parts.raft, log: parts.log, wal: parts.wal, host: this }, ports);
    const proposer = new Proposer(parts.serial, (entry, serial, root) => {
      if (root !== undefined) ports.tracing.proposedAlone(serial, root);
      this.#propose(entry, serial);
    });
    this.#leases = new LeaseKeeper(
      {
        state,
        proposer,
        seen: () => ({ term: parts.raft.term, applied: this.#applier.applied.index }),
        onExpired: (count) => ports.observe.leasesExpired(count),
      },
      ports,
    );
    this.#watches = new WatchStreams(
      {
        hub: parts.hub,
        replies: new WatchReplies(state.headers, () => this.#applier.applied.term),
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
        term: () => this.#applier.applied.term,
        facts: () => ({ leader: this.#soft.leader, commit: this.#commit, applied: this.#applier.applied.index }),
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
    this.#applier = new Applier(
      {
        ...parts,
        watches: this.#watches,
        emit,
        raiseNoSpace: () => this.#cluster.raiseNoSpace(),
        answerCompaction: (data, view, tell) => this.#questions.answerCompaction(data, view, tell),
        onConfChange: () => {
          this.#mayCampaign = true; // a member does not campaign while a change of members waits
        },
        onApplied: (entry) => this.#appliedTo(entry),
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
    this.#applier.stop();
    this.#driver.stop();
  }

  /** Waits until all that was proposed here is applied, but not for ever: leadership may be lost meanwhile. */
  #whenApplied(): Promise<void> {
    this.#driver.run();
    const index = this.#parts.log.lastIndex;
    if (this.#soft.role !== "leader" || this.#applier.applied.index >= index) return Promise.resolve();
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
    return {
      leader,
      isLeader: role === "leader",
      term: raft.term,
      commit: this.#commit,
      applied: this.#applier.applied.index,
    };
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
    this.#applier.push(entries);
  }

  readAllowed(state: ReadState): void {
    this.#questions.readAllowed(state.context, state.index, this.#applier.applied.index);
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
      databaseBytes: databaseBytesOf(this.#parts.state.mvcc),
      quotaBytes: this.#options.quotaBytes,
      applyBacklog: this.#applier.backlog,
    };
    if (this.#told !== undefined && isSameState(this.#told, state)) return;
    this.#told = state;
    this.#emit({ kind: "state", state });
  }
}
