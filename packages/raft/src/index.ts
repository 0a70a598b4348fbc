export { decodeConfChange, encodeConfChange, entryKindOf } from "./codec/conf-change-codec.js";
export {
  decodeConfState,
  decodeEntry,
  decodeHardState,
  decodeSnapshotMetadata,
  encodeConfState,
  encodeEntry,
  encodeHardState,
  encodeSnapshotMetadata,
} from "./codec/entry-codec.js";
export { EntryEncoder } from "./codec/entry-encoder.js";
export { decodeMessage, encodeMessage, MessageEncoder } from "./codec/message-codec.js";
export {
  type ConfChange,
  type ConfChangeTransition,
  type ConfState,
  emptyConfState,
  isJoint,
  isMember,
  isVoter,
  type MemberChange,
  membersOf,
  type Snapshot,
  type SnapshotMetadata,
  votersOf,
} from "./conf-change.js";
export {
  changeConfiguration,
  type ConfigurationResult,
  type ConfigurationStep,
  restoreConfiguration,
  stepOfConfChange,
} from "./change-configuration.js";
export { type Entry, type EntryId, type EntryKind, entryBytes, type HardState, type ProposedEntry } from "./entry.js";
export type { RaftLogSource } from "./log-source.js";
export { MemoryLog, type MemoryLogOptions } from "./memory-log.js";
export type { AppendRejection, Envelope, RaftMessage } from "./message.js";
export type { ProgressState } from "./progress.js";
export { jointCommitted, jointVote, majorityCommitted, majorityVote, type VoteResult } from "./quorum.js";
export {
  type ConfChangeRefusal,
  type InvalidConfChange,
  type ProposalDropReason,
  RaftError,
  type RaftFault,
} from "./raft-error.js";
export type { RaftEvent } from "./raft-event.js";
export type { OwnPromise, Persisted, RaftInput } from "./raft-input.js";
export { RaftNode } from "./raft-node.js";
export type { RaftOptions, RaftPorts, RaftSettings, RaftStart } from "./raft-options.js";
export type { MemberProgress, RaftStatus } from "./raft-status.js";
export type { PersistRequest, ReadState, Ready, RoleKind, SoftState } from "./ready.js";
