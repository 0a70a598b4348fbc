import type { LogIndex, MemberId, Term } from "@quorate/common";
import { decodeConfChange } from "../../src/codec/conf-change-codec.js";
import type { ConfState, MemberChange, Snapshot } from "../../src/conf-change.js";
import type { EntryKind, HardState } from "../../src/entry.js";
import type { RaftMessage } from "../../src/message.js";
import type { MemberProgress } from "../../src/raft-status.js";
import type { ReadState, RoleKind, SoftState } from "../../src/ready.js";

/** How the files name roles, replication states and entry types. */
export const roleNames: Readonly<Record<RoleKind, string>> = {
  follower: "StateFollower",
  "pre-candidate": "StatePreCandidate",
  candidate: "StateCandidate",
  leader: "StateLeader",
};
const stateNames = { probe: "StateProbe", replicate: "StateReplicate", snapshot: "StateSnapshot" } as const;
const entryNames: Readonly<Record<EntryKind, string>> = {
  normal: "EntryNormal",
  "conf-change": "EntryConfChange",
  "conf-change-v2": "EntryConfChangeV2",
};

/** A message as the files see it: one flat record for all types, zero where a type has nothing. */
export type FlatMessage = Readonly<{
  from: string;
  to: string;
  type: string;
  term?: number;
  logTerm?: number;
  index?: number;
  rejectHint?: number | undefined;
  commit?: number;
  vote?: bigint;
  entries?: readonly FlatEntry[];
  snapshot?: Snapshot | undefined;
  responses?: readonly FlatMessage[];
}>;

/** An entry that may not have its place yet. */
export type FlatEntry = Readonly<{ index?: LogIndex; term?: Term; kind: EntryKind; data: Uint8Array }>;

export function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}

export function formatMessage(message: FlatMessage): string {
  const { term = 0, logTerm = 0, index = 0, commit = 0, vote = 0n, entries = [], snapshot, responses = [] } = message;
  let text = `${message.from}->${message.to} ${message.type} Term:${term} Log:${logTerm}/${index}`;
  if (message.rejectHint !== undefined) text += ` Rejected (Hint: ${message.rejectHint})`;
  if (commit !== 0) text += ` Commit:${commit}`;
  if (vote !== 0n) text += ` Vote:${vote}`;
  const lines = entries.map(formatEntry);
  if (lines.length === 1) text += ` Entries:[${lines[0]}]`;
  if (lines.length > 1) text += ` Entries:[\n${indent(lines.join("\n"))}\n]`;
  if (snapshot !== undefined && snapshot.index !== 0) text += `\n  Snapshot: ${formatSnapshot(snapshot)}`;
  if (responses.length > 0) text += ` Responses:[\n${indent(responses.map(formatMessage).join("\n"))}\n]`;
  return text;
}

export function formatEntry(entry: FlatEntry): string {
  const head = `${entry.term ?? 0}/${entry.index ?? 0} ${entryNames[entry.kind]}`;
  if (entry.kind === "normal") return `${head} ${quote(entry.data)}`;
  const change = decodeConfChange(entry.kind, entry.data);
  const changes = change.version === 1 ? [change.change] : change.changes;
  return changes.length === 0 ? head : `${head} ${changes.map(formatChange).join(" ")}`;
}

const changeLetters = { "add-voter": "v", "add-learner": "l", remove: "r", update: "u" } as const;

function formatChange(change: MemberChange): string {
  return `${changeLetters[change.kind]}${change.member}`;
}

/** The operations of an input such as `v1 l2 r3`. @throws Error with the files' texts. */
export function parseChanges(input: string): readonly MemberChange[] {
  return (input === "" ? [] : input.split(" ")).map((token) => {
    if (token.length < 2) throw new Error(`unknown token ${token}`);
    const kind = (["add-voter", "add-learner", "remove", "update"] as const).find((k) => changeLetters[k] === token[0]);
    if (kind === undefined) throw new Error(`unknown input: ${token}`);
    return { kind, member: BigInt(token.slice(1)) as MemberId };
  });
}

export function formatHardState(hardState: HardState): string {
  const vote = hardState.vote === undefined ? "" : ` Vote:${hardState.vote}`;
  return `Term:${hardState.term}${vote} Commit:${hardState.commit}`;
}

export function formatSoftState(softState: SoftState): string {
  return `Lead:${softState.leader ?? 0} State:${roleNames[softState.role]}`;
}

export function formatConfState(confState: ConfState): string {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = confState;
  const list = (ids: readonly MemberId[]): string => `[${ids.join(" ")}]`;
  return `Voters:${list(voters)} VotersOutgoing:${list(votersOutgoing)} Learners:${list(learners)} LearnersNext:${list(learnersNext)} AutoLeave:${autoLeave}`;
}

export function formatSnapshot(snapshot: Snapshot): string {
  return `Index:${snapshot.index} Term:${snapshot.term} ConfState:${formatConfState(snapshot.confState)}`;
}

export function formatReadStates(states: readonly ReadState[]): string {
  return `[${states.map(({ index, context }) => `{${index} [${context.join(" ")}]}`).join(" ")}]`;
}

/** The configuration as `voters=(1 2)&&(1) learners=(3)`. */
export function formatConfiguration(confState: ConfState): string {
  const set = (ids: readonly MemberId[]): string => `(${ids.map((id) => id.toString(16)).join(" ")})`;
  let text = `voters=${set(confState.voters)}`;
  if (confState.votersOutgoing.length > 0) text += `&&${set(confState.votersOutgoing)}`;
  if (confState.learners.length > 0) text += ` learners=${set(confState.learners)}`;
  if (confState.learnersNext.length > 0) text += ` learners_next=${set(confState.learnersNext)}`;
  return confState.autoLeave ? `${text} autoleave` : text;
}

/** One line per member of a progress table. */
export function formatProgress(progress: MemberProgress): string {
  let text = `${progress.member}: ${stateNames[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) text += " learner";
  if (progress.isPaused) text += " paused";
  if (progress.pendingSnapshot !== undefined) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.isActive) text += " inactive";
  if (progress.inflight > 0) text += ` inflight=${progress.inflight}${progress.isInflightFull ? "[full]" : ""}`;
  return text;
}

const names = {
  append: "MsgApp",
  "append-response": "MsgAppResp",
  vote: "MsgVote",
  "pre-vote": "MsgPreVote",
  "vote-response": "MsgVoteResp",
  "pre-vote-response": "MsgPreVoteResp",
  snapshot: "MsgSnap",
  heartbeat: "MsgHeartbeat",
  "heartbeat-response": "MsgHeartbeatResp",
  "timeout-now": "MsgTimeoutNow",
  transfer: "MsgTransferLeader",
  propose: "MsgProp",
  "read-index": "MsgReadIndex",
  "read-index-response": "MsgReadIndexResp",
} as const satisfies Record<RaftMessage["kind"], string>;

/** A message between members in the flat form. */
export function flatten(from: MemberId, to: MemberId, message: RaftMessage): FlatMessage {
  const head = { from: from.toString(16), to: to.toString(16), type: names[message.kind] };
  switch (message.kind) {
    case "append": {
      const { term, previous, entries, commit } = message;
      return { ...head, term, logTerm: previous.term, index: previous.index, entries, commit };
    }
    case "append-response": {
      const { term, index, rejection } = message;
      return { ...head, term, index, logTerm: rejection?.hintTerm ?? 0, rejectHint: rejection?.hint };
    }
    case "vote":
    case "pre-vote":
      return { ...head, term: message.term, logTerm: message.last.term, index: message.last.index };
    case "vote-response":
    case "pre-vote-response":
      return { ...head, term: message.term, rejectHint: message.isGranted ? undefined : 0 };
    case "snapshot":
      return { ...head, term: message.term, snapshot: message.snapshot };
    case "heartbeat":
      return { ...head, term: message.term, commit: message.commit };
    case "heartbeat-response":
    case "timeout-now":
      return { ...head, term: message.term };
    case "transfer":
      return { ...head, from: message.transferee.toString(16), term: message.term };
    case "propose":
      return { ...head, entries: message.entries };
    case "read-index":
      return { ...head, entries: [{ kind: "normal", data: message.context }] };
    case "read-index-response": {
      const { term, index, context } = message;
      return { ...head, term, index, entries: [{ kind: "normal", data: context }] };
    }
  }
}

const shortEscapes = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

/** Bytes in double quotes, with Go's escapes. */
export function quote(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const character = characterAt(bytes, at);
    if (character === undefined) {
      text += `\\x${(bytes[at] as number).toString(16).padStart(2, "0")}`;
      at++;
    } else {
      text += escapeCharacter(character);
      at += new TextEncoder().encode(character).length;
    }
  }
  return `"${text}"`;
}

function characterAt(bytes: Uint8Array, at: number): string | undefined {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at, at + length));
    } catch {
      // Not a whole character yet, or none at all.
    }
  }
  return undefined;
}

function escapeCharacter(character: string): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0) as number;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (character === " " || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) return character;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}
