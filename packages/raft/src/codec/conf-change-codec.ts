import type { MemberId } from "@quorate/common";
import type { ConfChange, ConfChangeTransition, ConfState, MemberChange } from "../conf-change.js";
import type { EntryKind } from "../entry.js";
import { RaftError } from "../raft-error.js";
import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";

const changeKinds = ["add-voter", "add-learner", "remove", "update"] as const satisfies MemberChange["kind"][];
const transitions = ["auto", "implicit", "explicit"] as const satisfies ConfChangeTransition[];
const noContext = new Uint8Array(0);

/** The kind of entry that carries a change. */
export function entryKindOf(change: ConfChange): EntryKind {
  return change.version === 1 ? "conf-change" : "conf-change-v2";
}

/** The data of the entry that carries a change. Asking to leave a joint configuration without a context takes no bytes at all. */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const writer = new ByteWriter(64);
  if (change.version === 1) {
    writeMemberChange(writer, change.change);
    writer.raw(change.context);
    return writer.finish();
  }
  if (change.transition === "auto" && change.changes.length === 0 && change.context.length === 0) return noContext;
  writer.byte(transitions.indexOf(change.transition));
  writer.varint(change.changes.length);
  for (const memberChange of change.changes) writeMemberChange(writer, memberChange);
  writer.raw(change.context);
  return writer.finish();
}

/**
 * Reads the data of an entry of `kind`. `context` is a view.
 * @throws RaftError "raft/malformed".
 */
export function decodeConfChange(kind: EntryKind, data: Uint8Array): ConfChange {
  if (kind === "normal") {
    const problem = "a normal entry is no conf change";
    throw new RaftError({ code: "raft/malformed", subject: "conf change", offset: 0, problem });
  }
  const reader = new ByteReader(data, "conf change");
  if (kind === "conf-change") {
    return { version: 1, change: readMemberChange(reader), context: reader.raw(reader.left) };
  }
  if (data.length === 0) return { version: 2, transition: "auto", changes: [], context: noContext };
  const transition = reader.choice(transitions);
  const count = reader.count(9);
  const changes: MemberChange[] = [];
  for (let i = 0; i < count; i++) changes.push(readMemberChange(reader));
  return { version: 2, transition, changes, context: reader.raw(reader.left) };
}

function writeMemberChange(writer: ByteWriter, change: MemberChange): void {
  writer.byte(changeKinds.indexOf(change.kind));
  writer.id(change.member);
}

function readMemberChange(reader: ByteReader): MemberChange {
  return { kind: reader.choice(changeKinds), member: reader.id() as MemberId };
}

/** Appends a configuration. */
export function writeConfState(writer: ByteWriter, confState: ConfState): void {
  writer.byte(confState.autoLeave ? 1 : 0);
  for (const list of [confState.voters, confState.votersOutgoing, confState.learners, confState.learnersNext]) {
    writer.varint(list.length);
    for (const member of list) writer.id(member);
  }
}

/** Reads what `writeConfState` wrote. */
export function readConfState(reader: ByteReader): ConfState {
  const autoLeave = reader.choice([false, true]);
  const list = (): readonly MemberId[] => {
    const members: MemberId[] = [];
    const count = reader.count(8);
    for (let i = 0; i < count; i++) members.push(reader.id() as MemberId);
    return members;
  };
  return { voters: list(), votersOutgoing: list(), learners: list(), learnersNext: list(), autoLeave };
}
