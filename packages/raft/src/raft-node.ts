import { assertNever, type LogIndex, type MemberId, type Term } from "@quorate/common";
import { drawElectionTimeout, forgetLeader } from "./become.js";
import { bootstrap, recover } from "./bootstrap.js";
import { restoreConfiguration } from "./change-configuration.js";
import { type ConfState, emptyConfState, isMember } from "./conf-change.js";
import { startElection } from "./elect.js";
import type { HardState } from "./entry.js";
import { noteSnapshotStatus, noteUnreachable } from "./lead.js";
import type { OutboxContents } from "./outbox.js";
import { noteApplied, receivePersisted } from "./persisted.js";
import { proposeBatch, proposeConfChange, proposeData } from "./propose.js";
import type { RaftFault } from "./raft-error.js";
import type { Persisted, RaftInput } from "./raft-input.js";
import { type RaftOptions, type RaftPorts, settingsOf } from "./raft-options.js";
import { createState, leaderOf, type RaftState } from "./raft-state.js";
import { type RaftStatus, statusOf } from "./raft-status.js";
import { requestRead } from "./read-index.js";
import type { PersistRequest, Ready, SoftState } from "./ready.js";
import { receiveMessage } from "./receive.js";
import { applyConfChange } from "./reconfigure.js";
import { tick } from "./tick.js";
import { requestTransfer } from "./transfer.js";

const initialHardState: HardState = { term: 0 as Term, vote: undefined, commit: 0 as LogIndex };

/**
 * One member's Raft: inputs in by `step`, work out by `takeReady`. It does no I/O, knows no time but ticks, and the same inputs with
 * the same random numbers give the same work. It is never waited for and never waits.
 * @see Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm (2014); Ongaro's thesis (2014).
 */
export class RaftNode {
  readonly #raft: RaftState;
  /** What was handed out last, to tell what has changed. */
  #softState: SoftState = { leader: undefined, role: "follower" };
  #hardState: HardState = initialHardState;

  /** @throws RaftError "raft/invalid-options"; AssertionError when what was recovered contradicts itself. */
  constructor(options: RaftOptions, ports: RaftPorts) {
    const settings = settingsOf(options);
    const { start } = options;
    const confState = start.kind === "restart" ? restoreConfiguration(start.confState) : emptyConfState;
    this.#raft = createState(settings, ports, confState);
    if (start.kind === "bootstrap") {
      bootstrap(this.#raft, start.peers);
      return;
    }
    const raft = this.#raft;
    recover(raft, start);
    drawElectionTimeout(raft);
    // What storage has: where recovery knew better, the next Ready says so.
    this.#hardState = start.hardState ?? { ...initialHardState, commit: raft.log.committed };
  }

  get id(): MemberId {
    return this.#raft.id;
  }

  get term(): Term {
    return this.#raft.term;
  }

  /** The leader as this member knows it; itself when it leads. */
  get leader(): MemberId | undefined {
    return leaderOf(this.#raft);
  }

  get isLeader(): boolean {
    return this.#raft.role.kind === "leader";
  }

  get confState(): ConfState {
    return this.#raft.confState;
  }

  /** True when a leader of this member's configuration would serve `member`. */
  hasMember(member: MemberId): boolean {
    return isMember(this.#raft.confState, member);
  }

  /** A picture of now, for people, metrics and tests. Makes new objects. */
  status(): RaftStatus {
    return statusOf(this.#raft);
  }

  /**
   * Takes one input.
   * @returns the fault when the input is refused; the next Ready lists it too.
   * @throws AssertionError, RaftError "raft/invalid-conf-change": broken invariants, after which the process must stop.
   */
  step(input: RaftInput): RaftFault | undefined {
    const raft = this.#raft;
    switch (input.kind) {
      case "propose":
        return proposeData(raft, input);
      case "propose-batch":
        return proposeBatch(raft, input.proposals);
      case "persisted":
        receivePersisted(raft, input);
        return undefined;
      case "applied":
        noteApplied(raft, input.index);
        return undefined;
      case "message":
        return receiveMessage(raft, input.from, input.message);
      case "tick":
        tick(raft);
        return undefined;
      case "read-index":
        return requestRead(raft, input.context);
      case "propose-conf-change":
        return proposeConfChange(raft, input);
      case "conf-change-applied":
        applyConfChange(raft, input.change);
        return undefined;
      case "campaign":
        startElection(raft, false);
        return undefined;
      case "transfer":
        return requestTransfer(raft, input.to);
      case "forget-leader":
        forgetLeader(raft);
        return undefined;
      case "unreachable":
        noteUnreachable(raft, input.peer);
        return undefined;
      case "snapshot-status":
        noteSnapshotStatus(raft, input.peer, input.isDelivered);
        return undefined;
      default:
        return assertNever(input, "input");
    }
  }

  /** True when there is work for the driver. Refusals and events alone are none. */
  get hasWork(): boolean {
    const { log, outbox } = this.#raft;
    return (
      outbox.hasWork ||
      log.unstable.hasNextEntries ||
      log.hasEntriesToApply ||
      log.unstable.nextSnapshot !== undefined ||
      !isSameHardState(this.#hardState, this.#raft) ||
      this.#softState.role !== this.#raft.role.kind ||
      this.#softState.leader !== leaderOf(this.#raft)
    );
  }

  /** Hands over everything that has come together since the last call, or undefined when there is nothing. */
  takeReady(): Ready | undefined {
    const { log, outbox } = this.#raft;
    if (outbox.isEmpty && !this.hasWork) return undefined;
    const committed = log.entriesToApply();
    const contents = outbox.take();
    const ready: Ready = {
      softState: this.#takeSoftState(),
      readStates: contents.readStates,
      persist: this.#takePersist(contents),
      sendNow: contents.sendNow,
      sendAfterPersist: contents.sendAfterPersist,
      committed,
      refused: contents.refused,
      events: contents.events,
    };
    log.unstable.accept();
    log.acceptApplying(committed);
    return ready;
  }

  /**
   * Sets the randomised election timeout until it is drawn again: for tests that need to know who campaigns first.
   * @param ticks at least 1.
   */
  setElectionTimeout(ticks: number): void {
    this.#raft.electionTimeoutTicks = ticks;
  }

  #takeSoftState(): SoftState | undefined {
    const leader = leaderOf(this.#raft);
    const role = this.#raft.role.kind;
    if (leader === this.#softState.leader && role === this.#softState.role) return undefined;
    this.#softState = { leader, role };
    return this.#softState;
  }

  #takePersist({ own, sendAfterPersist }: OutboxContents): PersistRequest | undefined {
    const { log, term, vote } = this.#raft;
    const { unstable } = log;
    const entries = unstable.nextEntries();
    const snapshot = unstable.nextSnapshot;
    const before = this.#hardState;
    const hardState = isSameHardState(before, this.#raft) ? undefined : hardStateOf(this.#raft);
    const isPromising = own.length > 0 || sendAfterPersist.length > 0;
    if (entries.length === 0 && hardState === undefined && snapshot === undefined && !isPromising) return undefined;
    if (hardState !== undefined) this.#hardState = hardState;
    const mustSync = entries.length > 0 || term !== before.term || vote !== before.vote;
    // Also without new entries it asks about all that is under way: earlier questions may have been asked in another term.
    const upTo = unstable.entries.length > 0 ? log.lastId : undefined;
    const isAwaited = upTo !== undefined || snapshot !== undefined || own.length > 0;
    const done: Persisted | undefined = isAwaited
      ? { kind: "persisted", issuedInTerm: term, upTo, snapshot: snapshot?.index, own }
      : undefined;
    return { hardState, entries, snapshot, mustSync, done };
  }
}

function hardStateOf(raft: RaftState): HardState {
  return { term: raft.term, vote: raft.vote, commit: raft.log.committed };
}

function isSameHardState(hardState: HardState, raft: RaftState): boolean {
  return hardState.term === raft.term && hardState.vote === raft.vote && hardState.commit === raft.log.committed;
}
