import type { LeaseId, LogIndex, MemberId, Revision, Term } from "@quorate/common";
import { MvccError, type RangeQuery } from "@quorate/mvcc";
import { AlarmType, CompactionRequest, MemberListResponse, TxnRequest } from "@quorate/proto";
import type { Fault } from "../public-errors.js";
import type { FromCore, ToCore } from "./core-link.js";
import type { CoreOptions, CorePorts } from "./core-options.js";
import type { EntryView } from "./entry-codec.js";
import type { LeaseCourier } from "./lease-courier.js";
import { encodeKeepAlive, encodeLeases, type LeaseKeeper } from "./lease-keeper.js";
import { MaintenanceJobs } from "./maintenance-jobs.js";
import type { MemberState } from "./member-state.js";
import { RangeJobs } from "./range-jobs.js";
import { RangeStreams } from "./range-streams.js";
import { ReadGate } from "./read-gate.js";
import { MessageBuilder } from "./reply-writer.js";
import { encodeStatus } from "./status.js";
import { readPlan } from "./txn-execute.js";
import { planTxn } from "./txn-plan.js";
import { findPlanFault } from "./txn-validate.js";

/** A question of a client that waits until all that was committed before it is applied. */
type GatedQuestion = Extract<ToCore, { kind: "range" | "range-stream" | "read-txn" | "member-list" }>;
/** The core itself wants to know whether this member leads. Its serial is negative, which no client's is. */
type Confirmation = Readonly<{ kind: "confirm"; serial: number; tell(isConfirmed: boolean): void }>;
type Gated = GatedQuestion | Confirmation;
/** What is asked and not written. */
export type Question = Exclude<
  ToCore,
  { kind: "propose" | "move-leader" | "member-change" | "give-up" | "raise-no-space" | `watch-${string}` }
>;

/** Reads that may wait for the leader's word at once; more are refused. */
const gatedMax = 100_000;

type QuestionParts = Readonly<{
  state: MemberState;
  leases: LeaseKeeper;
  courier: LeaseCourier;
  term(): Term;
  facts(): { leader: MemberId | undefined; commit: LogIndex; applied: LogIndex };
  askReadIndex(context: Uint8Array): void;
  emit(message: FromCore): void;
  onResized(): void;
}>;

/** A plan that only reads never asks for a key to keep. */
const noKeys = { get: () => undefined };

/** Answers everything that does not go through the log: ranges and read-only transactions, what is known of leases and members, maintenance. */
export class CoreQuestions {
  readonly #parts: QuestionParts;
  readonly #options: CoreOptions;
  readonly #ports: CorePorts;
  readonly #gate: ReadGate<Gated>;
  readonly #ranges: RangeJobs;
  readonly #streams: RangeStreams;
  readonly #jobs: MaintenanceJobs;
  #confirmations = 0;

  constructor(parts: QuestionParts, options: CoreOptions, ports: CorePorts) {
    this.#parts = parts;
    this.#options = options;
    this.#ports = ports;
    this.#gate = new ReadGate({ ask: parts.askReadIndex, serve: (question) => this.#serve(question) }, ports);
    const header = (revision: Revision): Uint8Array => this.#header(revision);
    const { mvcc } = parts.state;
    this.#ranges = new RangeJobs({ mvcc, header }, ports);
    this.#streams = new RangeStreams({ mvcc, header, emit: parts.emit }, { chunkBytes: options.requestBytesMax });
    this.#jobs = new MaintenanceJobs(
      { state: parts.state, header, emit: parts.emit, onResized: parts.onResized },
      options,
      ports,
    );
  }

  ask(question: Question): void {
    switch (question.kind) {
      case "range":
      case "range-stream":
      case "read-txn":
        return question.serializable ? this.#serve(question) : this.#wait(question);
      case "member-list":
        return question.linearizable ? this.#wait(question) : this.#serve(question);
      case "lease-renew":
        return this.#renew(question.serial, question.lease);
      case "lease-time-to-live":
        return this.#timeToLive(question.serial, question.lease, question.keys);
      case "lease-list":
        return this.#reply(question.serial, encodeLeases(this.#header(), this.#parts.state.lessor.list()));
      case "status":
        return this.#reply(question.serial, this.#status());
      case "pull":
        this.#guard(question.serial, () => this.#streams.pull(question.serial));
        return this.#jobs.pull(question.serial);
      case "cancel":
        this.#ranges.cancel(question.serial);
        this.#streams.cancel(question.serial);
        return this.#jobs.cancel(question.serial);
      default:
        return this.#jobs.start(question);
    }
  }

  /** The leader has answered a question for a read index. */
  readAllowed(context: Uint8Array, index: LogIndex, applied: LogIndex): void {
    if (!this.#gate.allowed(context, index, applied)) this.#ports.observe.readIndexSlow();
  }

  /** Another member leads than the one that was asked for read indexes. */
  leaderChanged(): void {
    const reads = this.#gate.leaderChanged();
    if (reads.length > 0) this.#ports.observe.readIndexFailed();
    for (const read of reads) this.#giveUpRead(read, { code: "server/leader-changed" });
  }

  /** The caller of a read waits no longer. @returns false when no read has that number. */
  giveUp(serial: number): boolean {
    const read = this.#gate.giveUp(serial);
    if (read === undefined) return false;
    this.#ports.observe.readIndexSlow();
    this.#giveUpRead(read, { code: "server/timed-out" });
    return true;
  }

  /** Asks a quorum whether this member leads, with the reads of this turn. @param tell runs once; false: no answer in time, or another leads. */
  confirm(tell: (isConfirmed: boolean) => void): void {
    const serial = -++this.#confirmations;
    const timer = this.#ports.clock.after(this.#options.requestTimeoutMs, () => {
      if (this.#gate.giveUp(serial) !== undefined) tell(false);
    });
    const confirmation: Confirmation = {
      kind: "confirm",
      serial,
      tell: (isConfirmed) => {
        timer.cancel();
        tell(isConfirmed);
      },
    };
    this.#enter(confirmation);
  }

  /** Entries up to here are applied. */
  applied(index: LogIndex): void {
    this.#gate.applied(index);
  }

  /** A compaction that asked for it is answered, even refused, once the space of all compactions so far is free. */
  answerCompaction(data: Uint8Array, view: EntryView, tell: () => void): void {
    if (!CompactionRequest.decode(data, view.start, view.end).physical) return tell();
    this.#parts.state.mvcc.whenCompacted().then(tell, (error: unknown) => {
      // The compaction is applied; the file whose rows were to go has gone as a whole.
      if (error instanceof MvccError && error.fault.code === "mvcc/replaced") return tell();
      this.#ports.fatal(error instanceof Error ? error : new Error(String(error)));
    });
  }

  stop(): void {
    for (const read of this.#gate.drain()) this.#giveUpRead(read, { code: "server/stopped" });
    this.#ranges.stop();
    this.#streams.stop();
    this.#jobs.stop();
  }

  #wait(question: GatedQuestion): void {
    if (this.#gate.size >= gatedMax) return this.#fail(question.serial, { code: "server/too-many-requests" });
    if ("trace" in question && question.trace !== undefined)
      this.#ports.tracing.waiting(question.serial, question.trace);
    this.#enter(question);
  }

  #enter(read: Gated): void {
    if (this.#gate.wait(read)) this.#ports.turn(() => this.#gate.flush());
  }

  #giveUpRead(read: Gated, fault: Fault): void {
    if (read.kind === "confirm") return read.tell(false);
    this.#ports.tracing.served(read.serial);
    this.#fail(read.serial, fault);
  }

  #serve(question: Gated): void {
    if (question.kind === "confirm") return question.tell(true);
    this.#ports.tracing.served(question.serial);
    switch (question.kind) {
      case "range":
        return this.#range(question);
      case "range-stream":
        return this.#guard(question.serial, () => this.#streams.start(question.serial, question.query));
      case "read-txn":
        return this.#guard(question.serial, () => this.#readTxn(question));
      case "member-list":
        return this.#reply(question.serial, this.#memberList());
    }
  }

  #range(question: Extract<GatedQuestion, { kind: "range" }>): void {
    const { serial, query, trace } = question;
    const { clock, observe } = this.#ports;
    const startMs = clock.monotonicMs();
    const answer = {
      reply: (parts: readonly Uint8Array[]) => {
        observe.ranged((clock.monotonicMs() - startMs) / 1000, true);
        this.#parts.emit({ kind: "reply", serial, parts });
      },
      refuse: (error: unknown) => {
        observe.ranged((clock.monotonicMs() - startMs) / 1000, false);
        this.#refuse(serial, error);
      },
    };
    this.#ranges.start(serial, query, trace === undefined ? answer : this.#ports.tracing.range(trace, answer));
  }

  #readTxn(question: Extract<GatedQuestion, { kind: "read-txn" }>): void {
    const { state } = this.#parts;
    const view = { range: (query: RangeQuery) => state.mvcc.range(query) };
    this.#ports.tracing.read("core.read-txn", question.trace, () => {
      const plan = planTxn(TxnRequest.decode(question.request), view);
      const fault = findPlanFault(state, noKeys, plan);
      if (fault !== undefined) return this.#fail(question.serial, fault);
      const body = readPlan(state.mvcc, plan);
      if (body === undefined) return this.#fail(question.serial, { code: "server/answer-too-large" });
      this.#parts.emit({ kind: "reply", serial: question.serial, parts: [this.#header(), body] });
    });
  }

  #renew(serial: number, lease: LeaseId): void {
    const header = this.#header(); // made before the renewal, as etcd's is
    this.#parts.courier.renew(lease, (answer) => {
      if ("fault" in answer) return this.#fail(serial, answer.fault);
      const parts = [encodeKeepAlive(header, lease, answer.result)];
      this.#parts.emit({ kind: "chunk", serial, parts, last: true });
    });
  }

  #timeToLive(serial: number, lease: LeaseId, wantsKeys: boolean): void {
    this.#parts.courier.timeToLive(lease, wantsKeys, (answer) => {
      if ("fault" in answer) return this.#fail(serial, answer.fault);
      this.#parts.emit({ kind: "reply", serial, parts: [this.#header(), answer.result] });
    });
  }

  #memberList(): Uint8Array {
    const members = this.#parts.state.membership.list().map((member) => ({
      ID: member.id,
      name: member.name,
      peerURLs: [...member.peerURLs],
      clientURLs: [...member.clientURLs],
      isLearner: member.isLearner,
    }));
    const header = this.#parts.state.headers.field(0, this.#parts.term());
    return new MessageBuilder().raw(header).raw(MemberListResponse.encode({ members })).take();
  }

  #status(): Uint8Array {
    const { state } = this.#parts;
    const { leader, commit, applied } = this.#parts.facts();
    return encodeStatus(state.mvcc.size(), state.alarms.list(AlarmType.NONE), {
      header: this.#header(),
      version: this.#options.version,
      storageVersion: state.membership.clusterVersion === undefined ? "" : this.#options.storageVersion,
      leader,
      commitIndex: commit,
      appliedIndex: applied,
      term: this.#parts.term(),
      quotaBytes: this.#options.quotaShown,
      isLearner: state.membership.get(state.member)?.isLearner ?? false,
    });
  }

  #header(revision: Revision = this.#parts.state.mvcc.revision): Uint8Array {
    return this.#parts.state.headers.field(revision, this.#parts.term());
  }

  #guard(serial: number, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#refuse(serial, error);
    }
  }

  #refuse(serial: number, error: unknown): void {
    if (error instanceof MvccError) return this.#fail(serial, error.fault);
    this.#ports.fatal(error instanceof Error ? error : new Error(String(error)));
  }

  #reply(serial: number, message: Uint8Array): void {
    this.#parts.emit({ kind: "reply", serial, parts: [message] });
  }

  #fail(serial: number, fault: Fault): void {
    this.#parts.emit({ kind: "fail", serial, fault });
  }
}
