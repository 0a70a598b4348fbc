import type { LogIndex, MemberId, Term } from "@quorate/common";
import { decodeConfChange } from "../../src/codec/conf-change-codec.js";
import { type ConfState, emptyConfState, type Snapshot } from "../../src/conf-change.js";
import type { Entry, HardState } from "../../src/entry.js";
import { MemoryLog } from "../../src/memory-log.js";
import type { Envelope, RaftMessage } from "../../src/message.js";
import type { RaftFault } from "../../src/raft-error.js";
import type { RaftEvent } from "../../src/raft-event.js";
import type { RaftInput } from "../../src/raft-input.js";
import { RaftNode } from "../../src/raft-node.js";
import type { RaftOptions } from "../../src/raft-options.js";
import type { ReadState, Ready } from "../../src/ready.js";

export const id = (number: number | bigint): MemberId => BigInt(number) as MemberId;
export const at = (index: number): LogIndex => index as LogIndex;
export const term = (number: number): Term => number as Term;
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (entry: Readonly<{ data: Uint8Array }>): string => new TextDecoder().decode(entry.data);

export function buildEntry(fields: Partial<Entry> = {}): Entry {
  return { index: at(1), term: term(1), kind: "normal", data: bytes("x"), ...fields };
}

/** Entries 1, 2, 3, ... of the given terms. */
export function buildEntries(terms: readonly number[]): readonly Entry[] {
  return terms.map((number, i) =>
    buildEntry({ index: at(i + 1), term: term(number), data: bytes(`${number}/${i + 1}`) }),
  );
}

export function buildConfState(fields: Partial<ConfState> = {}): ConfState {
  return { ...emptyConfState, ...fields };
}

/** A member, its stored log, and everything its Readys have held. */
export type TestMember = {
  readonly node: RaftNode;
  readonly log: MemoryLog;
  readonly applied: Entry[];
  readonly readStates: ReadState[];
  readonly events: RaftEvent[];
  readonly refused: RaftFault[];
  readonly readies: Ready[];
};

export type MemberSetup = Partial<Omit<RaftOptions, "id" | "start">> &
  Readonly<{ hardState?: HardState; entries?: readonly Entry[]; applied?: number }>;

/** A member with pre-vote and check-quorum off, so that a test says what it needs. Its election timeout is 10 ticks. */
export function buildMember(member: MemberId, confState: ConfState, setup: MemberSetup = {}): TestMember {
  const { hardState, entries = [], applied, ...options } = setup;
  const made: { member?: TestMember } = {};
  const log = new MemoryLog({ entries, snapshot: () => snapshotOf(made.member as TestMember) });
  const node = new RaftNode(
    {
      isPreVoteOn: false,
      isCheckQuorumOn: false,
      ...options,
      id: member,
      start: { kind: "restart", hardState, confState, applied: applied === undefined ? undefined : at(applied) },
    },
    { random: { integer: (min) => min }, log },
  );
  made.member = { node, log, applied: [], readStates: [], events: [], refused: [], readies: [] };
  return made.member;
}

function snapshotOf({ node, log }: TestMember): Snapshot {
  const { applied, confState } = node.status();
  return { index: applied, term: log.term(applied) as Term, confState, data: bytes(`state at ${applied}`) };
}

/** Takes one Ready of a member and does all its work at once. @returns what it sends, or undefined without a Ready. */
export function turn(member: TestMember): readonly Envelope[] | undefined {
  const { node, log } = member;
  const ready = node.takeReady();
  if (ready === undefined) return undefined;
  member.readies.push(ready);
  member.events.push(...ready.events);
  member.refused.push(...ready.refused);
  member.readStates.push(...ready.readStates);
  const { persist } = ready;
  if (persist?.snapshot !== undefined) log.applySnapshot(persist.snapshot);
  if (persist !== undefined) log.append(persist.entries);
  if (persist?.done !== undefined) node.step(persist.done);
  for (const entry of ready.committed) {
    member.applied.push(entry);
    if (entry.kind !== "normal") {
      node.step({ kind: "conf-change-applied", change: decodeConfChange(entry.kind, entry.data) });
    }
    node.step({ kind: "applied", index: entry.index });
  }
  return [...ready.sendNow, ...ready.sendAfterPersist];
}

/** Everything a member sends until it has nothing more to do by itself. */
export function drain(member: TestMember): readonly Envelope[] {
  const sent: Envelope[] = [];
  for (let messages = turn(member); messages !== undefined; messages = turn(member)) sent.push(...messages);
  return sent;
}

/** The messages alone. */
export function messagesOf(envelopes: readonly Envelope[]): readonly RaftMessage[] {
  return envelopes.map(({ message }) => message);
}

/** Several members with a network that loses what a test wants lost. */
export class SmallCluster {
  readonly members: readonly TestMember[];
  readonly #cut = new Set<MemberId>();
  /** Every message that was handed to the network, lost or not. */
  readonly sent: Envelope[] = [];

  constructor(confState: ConfState, count: number, setup: (member: MemberId) => MemberSetup = () => ({})) {
    this.members = Array.from({ length: count }, (_, i) => buildMember(id(i + 1), confState, setup(id(i + 1))));
  }

  member(number: number): TestMember {
    return this.members[number - 1] as TestMember;
  }

  /** Nothing from or to these members arrives. */
  cut(...numbers: number[]): void {
    for (const number of numbers) this.#cut.add(id(number));
  }

  join(): void {
    this.#cut.clear();
  }

  /** One input for a member, and everything that follows from it. @returns the fault, if the input is refused. */
  step(number: number, input: RaftInput): RaftFault | undefined {
    const fault = this.member(number).node.step(input);
    this.settle();
    return fault;
  }

  tick(number: number, ticks: number): void {
    for (let i = 0; i < ticks; i++) this.step(number, { kind: "tick" });
  }

  settle(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const member of this.members) {
        const envelopes = turn(member);
        if (envelopes === undefined) continue;
        isBusy = true;
        for (const envelope of envelopes) this.#deliver(envelope, member.node.id);
      }
    }
  }

  #deliver(envelope: Envelope, sender: MemberId): void {
    this.sent.push(envelope);
    const { from, to, message } = envelope;
    if (this.#cut.has(sender) || this.#cut.has(to)) return;
    this.members.find(({ node }) => node.id === to)?.node.step({ kind: "message", from, message });
  }
}
