import { assert, type Clock, type Logger, type MemberId, type PeerNetwork, type Timer } from "@quorate/common";
import type { RaftInput, RaftNode, SoftState } from "@quorate/raft";
import type { Fault } from "../public-errors.js";
import type { CoreObserver } from "./core-options.js";

/** Ticks that may be missing before a leader asks whether it still is one. */
const quietTicks = 3;

/** What leadership is told by and asks of the rest of a core. */
export type LeadershipParts = Readonly<{
  member: MemberId;
  raft: RaftNode;
  network: PeerNetwork | undefined;
  push(input: RaftInput): void;
  /** Asks a quorum whether this member leads; tells once, false when there was no answer in time. */
  confirm(tell: (isConfirmed: boolean) => void): void;
}>;

type LeadershipPorts = Readonly<{ clock: Clock; logger: Logger; observe: CoreObserver }>;
type LeadershipOptions = Readonly<{ tickMs: number; electionTicks: number; requestTimeoutMs: number }>;
/** A leader that is about to hand over. */
type Move = { readonly to: MemberId; readonly startMs: number; readonly timer: Timer; tell(fault?: Fault): void };

/** Who leads, since when, and whether that may be believed; and how leadership goes to somebody else. */
export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #options: LeadershipOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #observe: CoreObserver;
  #soft: SoftState = { leader: undefined, role: "follower" };
  #electedAtMs = Number.NEGATIVE_INFINITY;
  #tickedAtMs: number;
  /** This member was stopped, or too busy to tick: others may have elected somebody meanwhile. */
  #isDoubtful = false;
  #doubts = 0;
  #moves: Move[] = [];

  constructor(parts: LeadershipParts, options: LeadershipOptions, ports: LeadershipPorts) {
    this.#parts = parts;
    this.#options = options;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#observe = ports.observe;
    this.#tickedAtMs = ports.clock.monotonicMs();
  }

  get leader(): MemberId | undefined {
    return this.#soft.leader;
  }

  get isLeader(): boolean {
    return this.#soft.role === "leader";
  }

  /** Takes what the consensus core says. @returns true when there is a leader, and it is not the one of before. */
  changed(soft: SoftState): boolean {
    const had = this.#soft;
    this.#soft = soft;
    const isNew = soft.leader !== undefined && soft.leader !== had.leader;
    if (this.isLeader && had.role !== "leader") {
      this.#electedAtMs = this.#clock.monotonicMs();
      this.#isDoubtful = false;
    }
    this.#observe.leaderChanged({ isLeader: this.isLeader, hasLeader: soft.leader !== undefined, isNew });
    if (soft.leader !== had.leader) this.#log(had.leader, soft.leader);
    this.#endMoves(soft.leader);
    return isNew;
  }

  ticked(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#isLate(nowMs)) {
      this.#isDoubtful = true;
      this.#doubts += 1;
    }
    this.#tickedAtMs = nowMs;
  }

  /** True when this member leads and has not been quiet long enough for others to think it gone. */
  get isSure(): boolean {
    return this.isLeader && !this.#isDoubtful && !this.#isLate(this.#clock.monotonicMs());
  }

  /** Finds out whether this member leads, and asks a quorum when it cannot be sure. @param tell runs at once when it is. */
  ensure(tell: (isLeader: boolean) => void): void {
    if (!this.isLeader) return tell(false);
    if (this.isSure) return tell(true);
    const doubts = this.#doubts;
    this.#parts.confirm((isConfirmed) => {
      if (isConfirmed && doubts === this.#doubts) this.#isDoubtful = false;
      tell(isConfirmed && this.isLeader);
    });
  }

  /** Why a proposal that began at that moment has no answer by now, in etcd's words. */
  timeoutFault(sinceMs: number): Fault {
    const { member, network, raft } = this.#parts;
    const electionMs = this.#options.tickMs * this.#options.electionTicks;
    const isAfterLoss = sinceMs > this.#electedAtMs - 2 * electionMs && sinceMs < this.#electedAtMs;
    if (isAfterLoss) return { code: "server/timed-out-leader-failed" };
    const { leader } = this.#soft;
    if (leader === undefined || network === undefined) return { code: "server/timed-out" };
    const isConnected = (id: MemberId): boolean => {
      const since = id === member ? sinceMs : network.status(id)?.activeSinceMs;
      return since !== undefined && since <= sinceMs;
    };
    if (leader !== member)
      return { code: isConnected(leader) ? "server/timed-out" : "server/timed-out-connection-lost" };
    const { voters } = raft.confState;
    const connected = voters.filter(isConnected).length;
    const hasQuorum = connected >= Math.floor(voters.length / 2) + 1;
    return { code: hasQuorum ? "server/timed-out" : "server/timed-out-connection-lost" };
  }

  /** Hands leadership over. @param tell runs once, with the refusal if there is one. */
  move(to: MemberId, tell: (fault?: Fault) => void): void {
    const { member, raft } = this.#parts;
    if (!this.isLeader) return tell({ code: "server/not-leader" });
    if (!raft.confState.voters.includes(to)) return tell({ code: "server/bad-leader-transferee" });
    if (to === member) return tell();
    const fields = { "local-member-id": hex(member), "current-leader-member-id": hex(member) };
    this.#logger.info("leadership transfer starting", { ...fields, "transferee-member-id": hex(to) });
    const timer = this.#clock.after(this.#options.requestTimeoutMs, () => {
      this.#moves = this.#moves.filter((move) => move.timer !== timer);
      tell({ code: "server/timed-out-transfer" });
    });
    this.#moves.push({ to, startMs: this.#clock.monotonicMs(), timer, tell });
    this.#parts.push({ kind: "transfer", to });
  }

  /**
   * Before a member stops: hands leadership to the voter that has been connected longest, so that the others need not wait for an election.
   * @returns when it has happened, there is nobody, or it takes too long.
   */
  async handOver(): Promise<void> {
    const { member, raft } = this.#parts;
    const fields = { "local-member-id": hex(member), "current-leader-member-id": hex(this.#soft.leader) };
    if (!this.isLeader) {
      this.#logger.info("skipped leadership transfer; local server is not leader", fields);
      return;
    }
    if (raft.confState.voters.every((id) => id === member)) {
      this.#logger.info("skipped leadership transfer for single voting member cluster", fields);
      return;
    }
    const to = this.#longestConnected();
    const fault = await new Promise<Fault | undefined>((resolve) => {
      if (to === undefined) resolve({ code: "server/unhealthy" });
      else this.move(to, resolve);
    });
    if (fault !== undefined) this.#logger.warn("leadership transfer failed", { ...fields, error: fault.code });
  }

  stop(): void {
    for (const move of this.#moves.splice(0)) {
      move.timer.cancel();
      move.tell({ code: "server/stopped" });
    }
  }

  #longestConnected(): MemberId | undefined {
    const { member, raft, network } = this.#parts;
    let longest: { id: MemberId; sinceMs: number } | undefined;
    for (const id of raft.confState.voters) {
      const sinceMs = id === member ? undefined : network?.status(id)?.activeSinceMs;
      if (sinceMs !== undefined && (longest === undefined || sinceMs < longest.sinceMs)) longest = { id, sinceMs };
    }
    return longest?.id;
  }

  #isLate(nowMs: number): boolean {
    return nowMs - this.#tickedAtMs > quietTicks * this.#options.tickMs;
  }

  #endMoves(leader: MemberId | undefined): void {
    if (this.#moves.length === 0 || leader === undefined) return;
    const moves = this.#moves;
    this.#moves = moves.filter(({ to }) => to !== leader);
    for (const { to, startMs, timer, tell } of moves) {
      if (to !== leader) continue;
      timer.cancel();
      this.#logger.info("leadership transfer finished", {
        "local-member-id": hex(this.#parts.member),
        "old-leader-member-id": hex(this.#parts.member),
        "new-leader-member-id": hex(to),
        took: `${Math.round(this.#clock.monotonicMs() - startMs)}ms`,
      });
      tell();
    }
  }

  #log(old: MemberId | undefined, leader: MemberId | undefined): void {
    assert(old !== leader, "a change of the leader changes it");
    const fields = { "local-member-id": hex(this.#parts.member), "raft.term": this.#parts.raft.term };
    if (leader === undefined) this.#logger.info("lost leader", { ...fields, "raft.leader": hex(old) });
    else if (old === undefined) this.#logger.info("elected leader", { ...fields, "raft.leader": hex(leader) });
    else this.#logger.info("changed leader", { ...fields, "raft.leader": hex(leader), "raft.leader.old": hex(old) });
  }
}

const hex = (id: MemberId | undefined): string => (id ?? 0n).toString(16);
