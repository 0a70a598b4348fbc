import type { SpanContext } from "@quorate/common";
import {
  type Entry,
  EntryEncoder,
  encodeHardState,
  type Envelope,
  type MemoryLog,
  type ProposalDropReason,
  type PersistRequest,
  type RaftEvent,
  type RaftFault,
  type RaftInput,
  type RaftNode,
  type ReadState,
  type Snapshot,
  type SoftState,
} from "@quorate/raft";
import type { Wal } from "@quorate/wal";
import type { Turn } from "../ports/turn.js";
import type { HeldInput } from "./held-proposals.js";
import { encodeMark } from "./log-mark.js";

/** What the driver hands its results to. All of it is called from `run`, in this order. */
export interface DriverHost {
  softStateChanged(state: SoftState): void;
  refused(fault: RaftFault): void;
  happened(event: RaftEvent): void;
  sendToPeers(envelopes: readonly Envelope[]): void;
  /** All is said that there is to say for now: what was gathered may leave. */
  sendGathered(): void;
  /** Proposals that found nobody to lead them: nothing has happened to them. `refused` lists them too, without their data. */
  unplaced(inputs: readonly HeldInput[]): void;
  /** Entries to apply, once, in order. The host steps "applied" when it has. */
  committed(entries: readonly Entry[]): void;
  readAllowed(state: ReadState): void;
  /** Takes received snapshots: `begin` when one is on its way into the log, `install` when it is there. Until `done` nothing is said that stands on it. */
  readonly restorer: { begin(snapshot: Snapshot): void; install(snapshot: Snapshot, done: () => void): void };
  /** Entries are on their way to the disk. @returns the spans that the write belongs to. */
  persisting(entries: readonly Entry[]): readonly SpanContext[];
  /** They are there. */
  persisted(entries: readonly Entry[]): void;
}

type Proposal = Extract<RaftInput, { kind: "propose" }>;

/** Bytes of proposals in one batch: a follower passes one on as one message. */
const runBytesMax = 1_048_576;
/** Turns of a `run` before it lets others have the thread. Each turn ends when the core has nothing more to hand out. */
const turnsMax = 64;

/**
 * The only code that moves the consensus core: gathers what arrives in one turn of the event loop, steps it, and carries out the work that
 * comes out: write and sync, send, apply. Proposals that arrive together share one write and one sync.
 */
export class Driver {
  readonly #raft: RaftNode;
  readonly #log: MemoryLog;
  readonly #wal: Wal;
  readonly #host: DriverHost;
  readonly #turn: Turn;
  readonly #encoder = new EntryEncoder();
  #inbox: RaftInput[] = [];
  #isScheduled = false;
  #isRunning = false;
  #isStopped = false;
  /** While a snapshot is installed: what the disk has done since, in order. */
  #held: (() => void)[] | undefined;

  constructor(parts: { raft: RaftNode; log: MemoryLog; wal: Wal; host: DriverHost }, ports: { turn: Turn }) {
    this.#raft = parts.raft;
    this.#log = parts.log;
    this.#wal = parts.wal;
    this.#host = parts.host;
    this.#turn = ports.turn;
  }

  /** Takes an input; it is stepped at the end of this turn. */
  push(input: RaftInput): void {
    if (this.#isStopped) return;
    this.#inbox.push(input);
    if (this.#isScheduled || this.#isRunning) return;
    this.#isScheduled = true;
    this.#turn(() => {
      this.#isScheduled = false;
      this.run();
    });
  }

  /** Takes inputs that came together; they are stepped together at the end of this turn. */
  pushAll(inputs: readonly RaftInput[]): void {
    for (let i = 0; i < inputs.length; i++) this.push(inputs[i] as RaftInput);
  }

  /** Steps what has arrived and carries out what comes of it, now. */
  run(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    try {
      for (let turn = 0; turn < turnsMax; turn++) {
        const inputs = this.#inbox;
        this.#inbox = [];
        this.#stepAll(inputs);
        if (!this.#carryOut() && this.#inbox.length === 0) return;
      }
    } finally {
      this.#isRunning = false;
      if (this.#inbox.length > 0) this.#reschedule();
    }
  }

  /** Nothing is stepped after this, and late answers of the disk are not believed any more. */
  stop(): void {
    this.#isStopped = true;
  }

  #reschedule(): void {
    const waiting = this.#inbox;
    this.#inbox = [];
    for (const input of waiting) this.push(input);
  }

  #stepAll(inputs: readonly RaftInput[]): void {
    const hasPeers = this.#hasPeers();
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i] as RaftInput;
      if (hasPeers && input.kind === "propose") i = this.#proposeRun(inputs, i);
      else if (isUnplaced(this.#raft.step(input))) this.#host.unplaced([input as HeldInput]);
    }
  }

  /** Proposals that came together go to each follower in one message. @returns where the last one of the run is. */
  #proposeRun(inputs: readonly RaftInput[], first: number): number {
    const proposals: Proposal[] = [];
    let bytes = 0;
    let at = first;
    for (; at < inputs.length && bytes < runBytesMax; at++) {
      const input = inputs[at] as RaftInput;
      if (input.kind !== "propose") break;
      proposals.push(input);
      bytes += input.data.length;
    }
    if (isUnplaced(this.#raft.step({ kind: "propose-batch", proposals }))) this.#host.unplaced(proposals);
    return at - 1;
  }

  #hasPeers(): boolean {
    const { voters, learners } = this.#raft.confState;
    return voters.length + learners.length > 1;
  }

  /** One Ready. @returns false when there was none. */
  #carryOut(): boolean {
    const ready = this.#raft.takeReady();
    if (ready === undefined) return false;
    if (ready.softState !== undefined) this.#host.softStateChanged(ready.softState);
    for (const event of ready.events) this.#host.happened(event);
    for (const fault of ready.refused) this.#host.refused(fault);
    // Followers write while we write.
    if (ready.sendNow.length > 0) this.#host.sendToPeers(ready.sendNow);
    if (ready.persist !== undefined) this.#persist(ready.persist, ready.sendAfterPersist);
    this.#host.sendGathered();
    if (ready.committed.length > 0) this.#host.committed(ready.committed);
    for (const state of ready.readStates) this.#host.readAllowed(state);
    return true;
  }

  #persist(request: PersistRequest, after: readonly Envelope[]): void {
    const { entries, snapshot } = request;
    if (snapshot !== undefined) {
      this.#log.applySnapshot(snapshot);
      this.#host.restorer.begin(snapshot);
    }
    if (entries.length > 0) this.#log.append(entries);
    const records = new Array(entries.length);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry;
      records[i] = { index: entry.index, data: this.#encoder.encode(entry) };
    }
    const links = this.#host.persisting(entries);
    const { mustSync } = request;
    const batch = {
      entries: records,
      mustSync: mustSync || snapshot !== undefined,
      links,
      ...(request.hardState === undefined ? {} : { state: encodeHardState(request.hardState) }),
      ...(snapshot === undefined ? {} : { reset: encodeMark(snapshot) }),
    };
    this.#wal.append(batch, () => this.#written(request, after));
  }

  /** A request is durable in the log. Those behind one with a snapshot wait until that is installed. */
  #written(request: PersistRequest, after: readonly Envelope[]): void {
    if (this.#isStopped) return;
    if (this.#held !== undefined) {
      this.#held.push(() => this.#written(request, after));
      return;
    }
    if (request.snapshot === undefined) return this.#durable(request, after);
    this.#held = [];
    this.#host.restorer.install(request.snapshot, () => {
      const held = this.#held ?? [];
      this.#held = undefined;
      if (this.#isStopped) return;
      this.#durable(request, after);
      for (const run of held) run();
    });
  }

  #durable(request: PersistRequest, after: readonly Envelope[]): void {
    this.#host.persisted(request.entries);
    if (after.length > 0) this.#host.sendToPeers(after);
    if (request.done !== undefined) this.#inbox.push(request.done);
    this.run();
    this.#host.sendGathered();
  }
}

/** True for proposals that are worth keeping until somebody leads. */
function isUnplaced(fault: RaftFault | undefined): boolean {
  return fault?.code === "raft/proposal-dropped" && isWorthHolding(fault.reason);
}

/** True when a proposal that was dropped for this reason may well succeed once somebody leads. */
export function isWorthHolding(reason: ProposalDropReason): boolean {
  return reason === "no-leader" || reason === "electing" || reason === "transferring";
}
