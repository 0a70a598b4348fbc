import type { LogIndex, MemberId, Term } from "@quorate/common";
import { decodeConfChange } from "../../src/codec/conf-change-codec.js";
import { decodeEntry, decodeHardState, encodeEntry, encodeHardState } from "../../src/codec/entry-codec.js";
import type { ConfState, Snapshot } from "../../src/conf-change.js";
import type { Entry, HardState } from "../../src/entry.js";
import { MemoryLog } from "../../src/memory-log.js";
import type { Envelope } from "../../src/message.js";
import { RaftNode } from "../../src/raft-node.js";
import type { RaftOptions } from "../../src/raft-options.js";
import type { PersistRequest } from "../../src/ready.js";
import type { ClusterChecks } from "./cluster-checks.js";
import type { Dice } from "./dice.js";

type Write = Readonly<{ persist: PersistRequest; sendAfter: readonly Envelope[] }>;

/** What survives a crash. */
type Disk = { hardState: Uint8Array | undefined; snapshot: Snapshot; entries: Uint8Array[] };

/** What a member shares with its cluster. */
export type SimWorld = Readonly<{
  dice: Dice;
  checks: ClusterChecks;
  options: Omit<RaftOptions, "id" | "start">;
  send: (envelope: Envelope) => void;
}>;

/** A member with a driver, a disk that forgets what is not synced, and a state machine that is a checksum. */
export class SimMember {
  readonly id: MemberId;
  readonly #world: SimWorld;
  readonly #disk: Disk;
  #node!: RaftNode;
  #log!: MemoryLog;
  #writes: Write[] = [];
  #applied!: LogIndex;
  /** Up to where what is committed has been reported. */
  #reported!: LogIndex;
  #state!: number;
  #confState!: ConfState;
  readonly #reads = new Map<number, LogIndex>();
  #readCount = 0;
  isUp = true;
  crashes = 0;

  /** Founders begin with a snapshot that stands for entry 1, so that whoever comes later has to get one too. */
  constructor(id: MemberId, confState: ConfState, world: SimWorld) {
    this.id = id;
    this.#world = world;
    const index = confState.voters.length > 0 ? 1 : 0;
    const snapshot = { index: index as LogIndex, term: index as Term, confState, data: encodeState(0) };
    this.#disk = { hardState: undefined, snapshot, entries: [] };
    this.start();
  }

  get node(): RaftNode {
    return this.#node;
  }

  get log(): MemoryLog {
    return this.#log;
  }

  get applied(): LogIndex {
    return this.#applied;
  }

  get unsynced(): number {
    return this.#writes.length;
  }

  /** Comes up with what the disk holds. */
  start(): void {
    const { snapshot, hardState, entries } = this.#disk;
    const recovered = entries.map((bytes) => decodeEntry(bytes));
    const { index, term, confState } = snapshot;
    this.#log = new MemoryLog({ base: { index, term }, entries: recovered, snapshot: () => this.#makeSnapshot() });
    this.#applied = index;
    this.#reported = index;
    this.#state = decodeState(snapshot.data);
    this.#confState = confState;
    const start = {
      kind: "restart",
      hardState: hardState === undefined ? undefined : decodeHardState(hardState),
      confState,
      applied: index,
    } as const;
    this.#node = new RaftNode(
      { ...this.#world.options, id: this.id, start },
      { random: this.#world.dice, log: this.#log },
    );
    this.isUp = true;
  }

  /** Loses everything that is not on disk. Of what was being written any first part may have got there, cut at any entry. */
  crash(): void {
    const survivors = this.#world.dice.integer(0, this.#writes.length);
    for (const write of this.#writes.splice(0, survivors)) this.#writeToDisk(write.persist);
    const torn = this.#writes[0]?.persist;
    if (torn !== undefined && torn.snapshot === undefined) {
      const kept = torn.entries.slice(0, this.#world.dice.integer(0, torn.entries.length));
      this.#writeToDisk({ ...torn, entries: kept, hardState: undefined });
    }
    this.#writes = [];
    this.#reads.clear();
    this.isUp = false;
    this.crashes++;
  }

  /** Hands out one Ready. @returns false when there was none. */
  turn(): boolean {
    const { checks, send } = this.#world;
    const ready = this.#node.takeReady();
    if (ready === undefined) return false;
    for (const event of ready.events) {
      if (event.kind === "became-leader") {
        const entryTerm = (index: LogIndex): Term | undefined => this.#termSeen(index, ready.persist?.entries ?? []);
        checks.elected(this.id, event.term, entryTerm, this.#log.firstIndex);
      }
    }
    for (const envelope of ready.sendNow) send(envelope);
    if (ready.persist !== undefined) {
      if (ready.persist.snapshot !== undefined) this.#restore(ready.persist.snapshot);
      this.#log.append(ready.persist.entries);
      this.#writes.push({ persist: ready.persist, sendAfter: ready.sendAfterPersist });
    }
    this.#reportCommit();
    for (const entry of ready.committed) this.#apply(entry);
    const last = ready.committed.at(-1);
    if (last !== undefined) this.#node.step({ kind: "applied", index: last.index });
    for (const { index, context } of ready.readStates) this.#finishRead(index, context);
    return true;
  }

  #termSeen(index: LogIndex, fresh: readonly Entry[]): Term | undefined {
    return fresh.find((entry) => entry.index === index)?.term ?? this.#log.term(index);
  }

  /** The oldest write becomes durable. */
  sync(): void {
    const write = this.#writes.shift();
    if (write === undefined) return;
    this.#writeToDisk(write.persist);
    for (const envelope of write.sendAfter) this.#world.send(envelope);
    if (write.persist.done !== undefined) this.#node.step(write.persist.done);
  }

  /** What a member believes to be committed counts, whether it has applied it or not. */
  #reportCommit(): void {
    const { commit } = this.#node.status();
    for (let index = this.#reported + 1; index <= commit; index++) {
      const entry = this.#log.at(index as LogIndex);
      if (entry !== undefined) this.#world.checks.committed(this.id, entry, this.#node.term);
    }
    if (commit > this.#reported) this.#reported = commit;
    this.#world.checks.commitSeen(commit);
  }

  /** Takes a snapshot of what is applied and on disk, and forgets the entries before, apart from a few. */
  compact(keep: number): void {
    const index = (this.#applied - keep) as LogIndex;
    const onDisk = this.#disk.snapshot.index + this.#disk.entries.length;
    if (index < this.#log.firstIndex || this.#applied > onDisk || this.#applied <= this.#disk.snapshot.index) return;
    const snapshot = this.#makeSnapshot();
    this.#disk.entries.splice(0, snapshot.index - this.#disk.snapshot.index);
    this.#disk.snapshot = snapshot;
    this.#log.compact(index);
  }

  read(): void {
    const number = ++this.#readCount;
    this.#reads.set(number, this.#world.checks.highestCommit);
    this.#node.step({ kind: "read-index", context: encodeState(number) });
  }

  #finishRead(index: LogIndex, context: Uint8Array): void {
    const number = decodeState(context);
    const committedWhenAsked = this.#reads.get(number);
    // An answer may come twice, or for a read that was asked before a crash.
    if (committedWhenAsked === undefined) return;
    this.#reads.delete(number);
    this.#world.checks.readAnswered(this.id, index, committedWhenAsked);
  }

  #apply(entry: Entry): void {
    const { checks } = this.#world;
    checks.inOrder(this.id, this.#applied, entry);
    checks.committed(this.id, entry, this.#node.term);
    const stored = this.#disk.entries[entry.index - this.#disk.snapshot.index - 1];
    checks.stored(this.id, entry, stored);
    if (entry.kind !== "normal") {
      this.#node.step({ kind: "conf-change-applied", change: decodeConfChange(entry.kind, entry.data) });
      this.#confState = this.#node.confState;
    }
    for (const byte of entry.data) this.#state = (Math.imul(this.#state, 31) + byte + entry.index) | 0;
    this.#applied = entry.index;
    checks.applied(this.id, entry.index, this.#state, this.#confState);
  }

  #restore(snapshot: Snapshot): void {
    this.#log.applySnapshot(snapshot);
    this.#applied = snapshot.index;
    this.#state = decodeState(snapshot.data);
    this.#confState = this.#node.confState;
    this.#world.checks.applied(this.id, snapshot.index, this.#state, this.#confState);
  }

  #makeSnapshot(): Snapshot {
    const index = this.#applied;
    const term = this.#log.term(index) as Term;
    return { index, term, confState: this.#confState, data: encodeState(this.#state) };
  }

  #writeToDisk(
    persist: Readonly<{ hardState: HardState | undefined; entries: readonly Entry[]; snapshot: Snapshot | undefined }>,
  ): void {
    const disk = this.#disk;
    if (persist.snapshot !== undefined && persist.snapshot.index > disk.snapshot.index) {
      disk.snapshot = persist.snapshot;
      disk.entries = [];
    }
    for (const entry of persist.entries) {
      const at = entry.index - disk.snapshot.index - 1;
      if (at < 0) continue;
      if (at > disk.entries.length) throw new Error(`member ${this.id} writes ${entry.index} behind a gap`);
      disk.entries.length = at;
      disk.entries.push(encodeEntry(entry));
    }
    if (persist.hardState !== undefined) disk.hardState = encodeHardState(persist.hardState);
  }
}

function encodeState(state: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, state);
  return bytes;
}

function decodeState(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0);
}
