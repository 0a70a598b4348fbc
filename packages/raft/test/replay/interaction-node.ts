import type { LogIndex, MemberId, Term } from "@quorate/common";
import { decodeConfChange } from "../../src/codec/conf-change-codec.js";
import { emptyConfState, type Snapshot } from "../../src/conf-change.js";
import type { Entry } from "../../src/entry.js";
import { MemoryLog } from "../../src/memory-log.js";
import { RaftError, type RaftFault } from "../../src/raft-error.js";
import type { RaftInput } from "../../src/raft-input.js";
import { RaftNode } from "../../src/raft-node.js";
import type { RaftOptions } from "../../src/raft-options.js";
import type { PersistRequest, Ready } from "../../src/ready.js";
import {
  type FlatMessage,
  flatten,
  formatEntry,
  formatHardState,
  formatMessage,
  formatReadStates,
  formatSnapshot,
  formatSoftState,
} from "./format.js";

/**
 * Something on its way. `inputs` is what the recipient's core gets on delivery; `isLocal` marks what never leaves a member.
 * `ownMessage`: the core's message to itself, which it may have to refuse when it is no member any more.
 */
export type InFlight = Readonly<{
  to: MemberId;
  flat: FlatMessage;
  input: RaftInput;
  isLocal: boolean;
  isOwnMessage: boolean;
}>;

/** Work for the append thread or the apply thread. */
type Work = Readonly<{ flat: FlatMessage; run: () => void; responses: readonly InFlight[] }>;

/** A node of the harness: a core, a stable store, a history of snapshots, and two queues for asynchronous storage. */
export class InteractionNode {
  readonly core: RaftNode;
  readonly store: MemoryLog;
  readonly history: Snapshot[];
  readonly appendWork: Work[] = [];
  readonly applyWork: Work[] = [];
  readonly #isAsync: boolean;

  constructor(
    options: Omit<RaftOptions, "start">,
    start: Readonly<{ snapshot: Snapshot | undefined; isAsync: boolean }>,
  ) {
    const { snapshot, isAsync } = start;
    this.#isAsync = isAsync;
    const none: Snapshot = {
      index: 0 as LogIndex,
      term: 0 as Term,
      confState: emptyConfState,
      data: new Uint8Array(0),
    };
    this.history = [snapshot ?? none];
    this.store = new MemoryLog({ snapshot: () => this.history.at(-1) });
    if (snapshot !== undefined) this.store.applySnapshot(snapshot);
    this.core = new RaftNode(
      {
        ...options,
        mayApplyUnstable: !isAsync,
        start: {
          kind: "restart",
          hardState: undefined,
          confState: snapshot?.confState ?? emptyConfState,
          applied: snapshot?.index,
        },
      },
      { random: { integer: (min) => min }, log: this.store },
    );
  }

  get id(): MemberId {
    return this.core.id;
  }

  /** Takes one Ready. @returns its description and what it puts in flight; `finish` runs after the description is out. */
  takeReady(): Readonly<{ text: string; finish: () => readonly InFlight[] }> {
    const ready = this.core.takeReady();
    if (ready === undefined) return { text: "<empty Ready>", finish: () => [] };
    const peers = (list: Ready["sendNow"]): InFlight[] => list.map(peerMessage);
    if (!this.#isAsync) {
      const messages = [...peers(ready.sendNow), ...peers(ready.sendAfterPersist)];
      const text = describeReady(
        ready,
        messages.map((message) => message.flat),
      );
      return { text, finish: () => this.#handleSynchronously(ready, messages) };
    }
    const append = ready.persist === undefined ? undefined : this.#appendWorkOf(ready, ready.persist);
    const apply = ready.committed.length === 0 ? undefined : this.#applyWorkOf(ready.committed);
    const messages = peers(ready.sendNow);
    const all = [...messages.map((message) => message.flat)];
    for (const work of [append, apply]) if (work !== undefined) all.push(withResponses(work));
    return {
      text: describeReady(ready, all),
      finish: () => {
        if (append !== undefined) this.appendWork.push(append);
        if (apply !== undefined) this.applyWork.push(apply);
        return messages;
      },
    };
  }

  #handleSynchronously(ready: Ready, messages: readonly InFlight[]): readonly InFlight[] {
    const { persist, committed } = ready;
    if (persist !== undefined) this.#store(persist);
    for (const entry of committed) this.#apply(entry);
    const { own = [] } = persist?.done ?? {};
    // The core may count several acknowledgements as one; the files count them one by one.
    for (const promise of own)
      this.core.step({
        ...(persist?.done as NonNullable<PersistRequest["done"]>),
        upTo: undefined,
        snapshot: undefined,
        own: [promise],
      });
    if (persist?.done !== undefined) this.core.step({ ...persist.done, own: [] });
    const last = committed.at(-1);
    if (last !== undefined) this.core.step({ kind: "applied", index: last.index });
    return messages;
  }

  #store(persist: PersistRequest): void {
    if (persist.snapshot !== undefined && persist.entries.length > 0) {
      throw new Error("can't apply snapshot and entries at the same time");
    }
    try {
      if (persist.snapshot !== undefined) this.store.applySnapshot(persist.snapshot);
      else this.store.append(persist.entries);
    } catch (error) {
      if (error instanceof RaftError) throw new Error(errorText(error.fault), { cause: error });
      throw error;
    }
  }

  #apply(entry: Entry): void {
    const before = this.history.at(-1) as Snapshot;
    let { data } = entry;
    let { confState } = before;
    if (entry.kind !== "normal") {
      const change = decodeConfChange(entry.kind, entry.data);
      this.core.step({ kind: "conf-change-applied", change });
      data = change.context;
      confState = this.core.confState;
    }
    const { index, term } = entry;
    this.history.push({ index, term, confState, data: Buffer.concat([before.data, data]) });
  }

  #appendWorkOf(ready: Ready, persist: PersistRequest): Work {
    const { hardState, entries, snapshot, done } = persist;
    const responses: InFlight[] = [];
    const own = [...(done?.own ?? [])];
    for (let i = 0; i <= ready.sendAfterPersist.length; i++) {
      while (own[0]?.after === i)
        responses.push(this.#ownMessage(done as NonNullable<typeof done>, own.shift() as (typeof own)[0]));
      const envelope = ready.sendAfterPersist[i];
      if (envelope !== undefined) responses.push(peerMessage(envelope));
    }
    if (done !== undefined && (done.upTo !== undefined || snapshot !== undefined)) {
      responses.push({
        to: this.id,
        isLocal: true,
        isOwnMessage: false,
        input: { ...done, own: [] },
        flat: {
          from: "AppendThread",
          to: this.id.toString(16),
          type: "MsgStorageAppendResp",
          term: done.issuedInTerm,
          logTerm: done.upTo?.term ?? 0,
          index: done.upTo?.index ?? 0,
          snapshot,
        },
      });
    }
    const flat: FlatMessage = {
      from: this.id.toString(16),
      to: "AppendThread",
      type: "MsgStorageAppend",
      term: hardState?.term ?? 0,
      commit: hardState?.commit ?? 0,
      vote: hardState?.vote ?? 0n,
      entries,
      snapshot,
    };
    return { flat, run: () => this.#store(persist), responses };
  }

  #ownMessage(done: NonNullable<PersistRequest["done"]>, promise: (typeof done.own)[0]): InFlight {
    const type = { append: "MsgAppResp", vote: "MsgVoteResp", "pre-vote": "MsgPreVoteResp" }[promise.kind];
    const id = this.id.toString(16);
    const index = promise.kind === "append" ? promise.index : 0;
    return {
      to: this.id,
      isLocal: true,
      isOwnMessage: true,
      input: { ...done, upTo: undefined, snapshot: undefined, own: [promise] },
      flat: { from: id, to: id, type, term: promise.term, index },
    };
  }

  #applyWorkOf(entries: readonly Entry[]): Work {
    const id = this.id.toString(16);
    const response: InFlight = {
      to: this.id,
      isLocal: true,
      isOwnMessage: false,
      input: { kind: "applied", index: (entries.at(-1) as Entry).index },
      flat: { from: "ApplyThread", to: id, type: "MsgStorageApplyResp", entries },
    };
    return {
      flat: { from: id, to: "ApplyThread", type: "MsgStorageApply", entries },
      run: () => {
        for (const entry of entries) this.#apply(entry);
      },
      responses: [response],
    };
  }

  /** Steps what was delivered. @returns the text of an error, if it was refused. */
  deliver(message: InFlight): string | undefined {
    if (message.isOwnMessage && !this.core.hasMember(this.id)) return unknownPeerText;
    const fault = this.core.step(message.input);
    return fault === undefined ? undefined : errorTextOf(fault);
  }
}

const unknownPeerText = "raft: cannot step as peer not found";

/** The text the files have for a fault, if they have one. */
export function errorTextOf(fault: RaftFault): string | undefined {
  switch (fault.code) {
    case "raft/proposal-dropped":
      return "raft proposal dropped";
    case "raft/step-unknown-peer":
      return unknownPeerText;
    case "raft/step-local":
      return "raft: cannot step raft local message";
    default:
      return undefined;
  }
}

/** The text the files have for a failure of the store. */
export function errorText(fault: RaftFault): string {
  if (fault.code === "raft/snapshot-out-of-date") return "requested index is older than the existing snapshot";
  if (fault.code === "raft/compacted") return "requested index is unavailable due to compaction";
  return fault.code;
}

/** A message to another member in flight. */
export function peerMessage(envelope: Ready["sendNow"][0]): InFlight {
  const { from, to, message } = envelope;
  const input: RaftInput = { kind: "message", from, message };
  return { to, flat: flatten(from, to, message), input, isLocal: false, isOwnMessage: false };
}

function withResponses(work: Work): FlatMessage {
  return { ...work.flat, responses: work.responses.map((response) => response.flat) };
}

function describeReady(ready: Ready, messages: readonly FlatMessage[]): string {
  const { softState, readStates, persist, committed } = ready;
  const lines: string[] = [];
  if (softState !== undefined) lines.push(formatSoftState(softState));
  if (persist?.hardState !== undefined) lines.push(`HardState ${formatHardState(persist.hardState)}`);
  if (readStates.length > 0) lines.push(`ReadStates ${formatReadStates(readStates)}`);
  if (persist !== undefined && persist.entries.length > 0) lines.push("Entries:", ...persist.entries.map(formatEntry));
  if (persist?.snapshot !== undefined) lines.push(`Snapshot ${formatSnapshot(persist.snapshot)}`);
  if (committed.length > 0) lines.push("CommittedEntries:", ...committed.map(formatEntry));
  if (messages.length > 0) lines.push("Messages:", ...messages.map(formatMessage));
  if (lines.length === 0) return "<empty Ready>";
  return [`Ready MustSync=${persist?.mustSync ?? false}:`, ...lines, ""].join("\n");
}
