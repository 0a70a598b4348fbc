import { type Clock, type Logger, type MemberId, PeerError, type PeerNetwork, type Timer } from "@quorate/common";
import { MemberListResponse } from "@quorate/proto";
import type { ConfChange, RaftNode } from "@quorate/raft";
import { memberIdOf } from "../config/initial-cluster.js";
import { type Fault, publicError } from "../public-errors.js";
import type { CoreObserver } from "./core-options.js";
import { encodeMemberChange, type MemberChange } from "./member-change.js";
import type { MemberState, Outcome } from "./member-state.js";
import type { MemberRecord } from "./membership.js";
import { encodeQuestion, PeerQuestion, type PeerQuestions } from "./peer-questions.js";
import { MessageBuilder } from "./reply-writer.js";
import type { RequestSerial } from "./request-serial.js";

/** What a client asks to be changed. URLs are checked, and sorted as etcd sorts them. */
export type MemberRequest =
  | Readonly<{ kind: "add"; peerURLs: readonly string[]; isLearner: boolean }>
  | Readonly<{ kind: "remove"; id: MemberId }>
  | Readonly<{ kind: "update"; id: MemberId; peerURLs: readonly string[] }>
  | Readonly<{ kind: "promote"; id: MemberId }>;

/** What changes of the members need of the rest of a core. */
export type MemberChangeParts = Readonly<{
  state: MemberState;
  raft: RaftNode;
  leader(): MemberId | undefined;
  questions: PeerQuestions;
  serial: RequestSerial;
  /** Asks to have the change in the log. `applied`, `failed` or nothing comes of it. */
  propose(change: ConfChange, serial: number): void;
  /** Waits until this member has applied what it knows to be committed, but no longer than that. */
  whenCaughtUp(timeoutMs: number, run: (isThere: boolean) => void): void;
  reply(serial: number, message: Uint8Array): void;
  fail(serial: number, fault: Fault): void;
}>;

type Options = Readonly<{
  learnersMax: number;
  isReconfigStrict: boolean;
  tickMs: number;
  electionTicks: number;
  requestTimeoutMs: number;
}>;
type Ports = Readonly<{
  clock: Clock;
  logger: Logger;
  observe: CoreObserver;
  network?: PeerNetwork | undefined;
}>;
/** A change that is on its way, and who waits for it. */
type Pending = { readonly change: ConfChange; readonly tell: (outcome: Outcome) => void; timer: Timer | undefined };

/** Who has been connected for so long is counted on. */
const healthMs = 5000;
/** A learner may be promoted when it has this part of the leader's log. */
const readyShare = 0.9;
const caughtUpMs = 1000;
/** Another change is under way: ask again after so long. */
const againMs = 100;

/**
 * Changes of the members, from the request to its answer: checks whether the cluster can bear the change, puts it into the log, one after the other, and
 * lets the leader judge who is to be promoted.
 */
export class MemberChanges {
  readonly #parts: MemberChangeParts;
  readonly #options: Options;
  readonly #ports: Ports;
  readonly #pending = new Map<number, Pending>();
  readonly #timers = new Map<number, Timer>();
  #isStopped = false;

  constructor(parts: MemberChangeParts, options: Options, ports: Ports) {
    this.#parts = parts;
    this.#options = options;
    this.#ports = ports;
    parts.questions.register(PeerQuestion.memberPromote, (body) => this.#answerPromote(body));
  }

  /** A client asks. */
  ask(serial: number, request: MemberRequest): void {
    if (request.kind === "promote") return this.#promote(serial, request.id);
    const change = this.#changeOf(request);
    const fault = this.#findObstacle(change);
    if (fault !== undefined) return this.#parts.fail(serial, fault);
    this.#propose(serial, change, (outcome) => this.#answer(serial, outcome));
  }

  /** A change that this member has asked for is applied, or was refused by all. */
  applied(serial: number, outcome: Outcome): void {
    const pending = this.#pending.get(serial);
    this.cancel(serial);
    pending?.tell(outcome);
  }

  /** The leader cannot carry the change now, since another is under way. @returns false when it is not one of these. */
  refused(serial: number): boolean {
    const pending = this.#pending.get(serial);
    if (pending === undefined) return false;
    pending.timer = this.#ports.clock.after(againMs, () => {
      if (this.#pending.get(serial) === pending) this.#parts.propose(pending.change, serial);
    });
    return true;
  }

  /** Nobody waits for this any more. */
  cancel(serial: number): void {
    this.#pending.get(serial)?.timer?.cancel();
    this.#pending.delete(serial);
    this.#timers.get(serial)?.cancel();
    this.#timers.delete(serial);
  }

  stop(): void {
    this.#isStopped = true;
    for (const serial of [...this.#pending.keys(), ...this.#timers.keys()]) this.cancel(serial);
  }

  #propose(serial: number, change: MemberChange, tell: (outcome: Outcome) => void): void {
    const encoded = encodeMemberChange(change);
    this.#pending.set(serial, { change: encoded, tell, timer: undefined });
    this.#parts.propose(encoded, serial);
  }

  #answer(serial: number, outcome: Outcome): void {
    if (outcome.kind === "done") this.#parts.reply(serial, outcome.reply);
    else this.#parts.fail(serial, outcome.fault);
  }

  #changeOf(request: Exclude<MemberRequest, { kind: "promote" }>): MemberChange {
    if (request.kind === "remove") return request;
    const { peerURLs } = request;
    const blank = { name: "", clientURLs: [], isLearner: false, peerURLs };
    if (request.kind === "update") return { kind: "update", record: { ...blank, id: request.id } };
    const seconds = Math.floor(this.#ports.clock.wallMs() / 1000);
    const record: MemberRecord = { ...blank, id: memberIdOf(peerURLs, String(seconds)), isLearner: request.isLearner };
    return { kind: "add", record, learnersMax: this.#options.learnersMax };
  }

  /** Whether the cluster would be worse off than it can bear. @see etcd 3.7.1, mayAddMember and mayRemoveMember. */
  #findObstacle(change: MemberChange): Fault | undefined {
    if (!this.#options.isReconfigStrict) return undefined;
    if (change.kind === "add") return this.#findAddObstacle(change.record);
    return change.kind === "remove" ? this.#findRemoveObstacle(change.id) : undefined;
  }

  #findAddObstacle({ isLearner }: MemberRecord): Fault | undefined {
    const voters = this.#parts.state.membership.voters();
    const started = voters.filter(isStarted).length;
    const isLoneStarted = started === 1 && voters.length === 1;
    if (!isLearner && !isLoneStarted && started < quorumOf(voters.length + 1)) {
      this.#warn("rejecting member add request; not enough healthy members", {
        "number-of-started-member": started,
        "number-of-quorum": quorumOf(voters.length + 1),
      });
      return { code: "server/not-enough-started" };
    }
    if (voters.length === 1 || this.#connected(voters) >= quorumOf(voters.length + 1)) return undefined;
    this.#warn(
      "rejecting member add request; local member has not been connected to all peers, reconfigure breaks active quorum",
    );
    return { code: "server/unhealthy" };
  }

  #findRemoveObstacle(id: MemberId): Fault | undefined {
    const { membership, member } = this.#parts.state;
    if (membership.get(id)?.isLearner === true) return undefined;
    const voters = membership.voters();
    const staying = voters.filter((voter) => voter.id !== id);
    const started = staying.filter(isStarted).length;
    if (started < quorumOf(staying.length)) {
      this.#warn("rejecting member remove request; not enough healthy members", {
        "requested-member-remove-id": id.toString(16),
        "number-of-started-member": started,
        "number-of-quorum": quorumOf(staying.length),
      });
      return { code: "server/not-enough-started" };
    }
    // Nobody counts on a member that is down.
    if (id !== member && this.#ports.network?.status(id)?.activeSinceMs === undefined) return undefined;
    if (this.#connected(voters) - 1 >= quorumOf(voters.length - 1)) return undefined;
    this.#warn(
      "rejecting member remove request; local member has not been connected to all peers, reconfigure breaks active quorum",
      { "requested-member-remove": id.toString(16) },
    );
    return { code: "server/unhealthy" };
  }

  /** Voters that this member has been connected to for a while, itself included. */
  #connected(voters: readonly MemberRecord[]): number {
    const { clock, network } = this.#ports;
    const beforeMs = clock.monotonicMs() - healthMs;
    return voters.filter(({ id }) => {
      const sinceMs = network?.status(id)?.activeSinceMs;
      return id === this.#parts.state.member || (sinceMs !== undefined && sinceMs < beforeMs);
    }).length;
  }

  /** Only the leader knows how far a learner is. */
  #promote(serial: number, id: MemberId): void {
    if (this.#isLeader()) return this.#promoteHere(serial, id, (outcome) => this.#answer(serial, outcome));
    const deadlineMs = this.#ports.clock.monotonicMs() + this.#options.requestTimeoutMs;
    this.#forward(serial, id, deadlineMs);
  }

  #isLeader(): boolean {
    return this.#parts.leader() === this.#parts.state.member;
  }

  #promoteHere(serial: number, id: MemberId, tell: (outcome: Outcome) => void): void {
    this.#parts.whenCaughtUp(caughtUpMs, (isThere) => {
      const fault: Fault | undefined = isThere ? this.#findUnready(id) : { code: "server/timed-out-apply" };
      const told = (outcome: Outcome): void => {
        this.#ports.observe.learnerPromoted(
          outcome.kind === "refused" ? publicError(outcome.fault).message : undefined,
        );
        tell(outcome);
      };
      if (fault !== undefined) return told({ kind: "refused", fault });
      this.#propose(serial, { kind: "promote", id }, told);
    });
  }

  #findUnready(id: MemberId): Fault | undefined {
    const { raft, state } = this.#parts;
    const { progress } = raft.status();
    const own = progress.find(({ member }) => member === state.member);
    if (own === undefined) return { code: "server/not-leader" };
    const learner = progress.find(({ member }) => member === id);
    if (learner === undefined) return { code: "server/member-not-found" };
    if (learner.match < own.match * readyShare) {
      this.#ports.logger.error("rejecting promote learner: learner is not ready", {
        "learner-id": id.toString(16),
        "learner-ready-percent": learner.match / own.match,
        "ready-percent-threshold": readyShare,
      });
      return { code: "server/learner-not-ready" };
    }
    if (!this.#options.isReconfigStrict) return undefined;
    const voters = state.membership.voters();
    const started = voters.filter(isStarted).length + 1;
    return started >= quorumOf(voters.length + 1) ? undefined : { code: "server/not-enough-started" };
  }

  /** Asks the leader, and waits for one while there is none. */
  #forward(serial: number, id: MemberId, deadlineMs: number): void {
    if (this.#isStopped) return;
    if (this.#isLeader()) return this.#promoteHere(serial, id, (outcome) => this.#answer(serial, outcome));
    const { clock, network } = this.#ports;
    const leader = this.#parts.leader();
    const leftMs = deadlineMs - clock.monotonicMs();
    if (leftMs <= 0)
      return this.#parts.fail(serial, { code: leader === undefined ? "server/no-leader" : "server/timed-out" });
    const later = (): void => {
      const waitMs = Math.min(this.#options.tickMs * this.#options.electionTicks, leftMs);
      const again = (): void => {
        this.#timers.delete(serial);
        this.#forward(serial, id, deadlineMs);
      };
      this.#timers.set(serial, clock.after(waitMs, again));
    };
    if (leader === undefined || network === undefined) return later();
    network.ask(leader, encodeQuestion(PeerQuestion.memberPromote, encodeId(id)), { timeoutMs: leftMs }).then(
      (answer) => this.#parts.reply(serial, new MessageBuilder().raw(this.#header()).raw(answer).take()),
      (error: unknown) => {
        const fault = faultOf(error);
        if (fault === undefined) later();
        else this.#parts.fail(serial, fault);
      },
    );
  }

  #header(): Uint8Array {
    return this.#parts.state.headers.field(0, this.#parts.raft.term);
  }

  #answerPromote(body: Uint8Array): Promise<Uint8Array> {
    const id = decodeId(body);
    return new Promise((resolve, reject) => {
      if (!this.#isLeader()) return reject(new Error(refusalText({ code: "server/not-leader" })));
      const serial = this.#parts.serial.next();
      // The asker has given up by then, and leadership may be lost.
      const timer = this.#ports.clock.after(this.#options.requestTimeoutMs, () => {
        this.cancel(serial);
        reject(new Error(refusalText({ code: "server/not-leader" })));
      });
      this.#promoteHere(serial, id, (outcome) => {
        timer.cancel();
        if (outcome.kind === "refused") return reject(new Error(refusalText(outcome.fault)));
        const { members } = MemberListResponse.decode(outcome.reply);
        resolve(MemberListResponse.encode({ members }));
      });
    });
  }

  #warn(message: string, fields: Record<string, unknown> = {}): void {
    this.#ports.logger.warn(message, { "local-member-id": this.#parts.state.member.toString(16), ...fields });
  }
}

function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

function isStarted({ name }: MemberRecord): boolean {
  return name !== "";
}

const refusal = "refused: ";

/** A fault as the other side reads it. Only those of a promotion travel, and none of them has more than a code. */
function refusalText(fault: Fault): string {
  return `${refusal}${fault.code}`;
}

/** The leader's verdict, or undefined for what may go better another time. */
function faultOf(error: unknown): Fault | undefined {
  if (!(error instanceof PeerError) || error.fault.code !== "peer/refused") return undefined;
  const code = error.fault.reason.split(refusal)[1];
  return code !== undefined && code !== "server/not-leader" && isPromoteFault(code) ? { code } : undefined;
}

const promoteFaults = [
  "server/member-not-found",
  "server/member-removed",
  "server/member-not-learner",
  "server/learner-not-ready",
  "server/not-enough-started",
  "server/timed-out-apply",
] as const;

function isPromoteFault(code: string): code is (typeof promoteFaults)[number] {
  return promoteFaults.some((known) => known === code);
}

function encodeId(id: MemberId): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, id);
  return bytes;
}

function decodeId(bytes: Uint8Array): MemberId {
  if (bytes.length !== 8) throw new Error("a member id has eight bytes");
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0) as MemberId;
}
