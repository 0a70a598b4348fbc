import type { ConfState } from "./conf-change.js";
import { membersOf } from "./conf-change.js";
import { restoreConfiguration } from "./change-configuration.js";
import type { RaftState } from "./raft-state.js";

/** Replaces the configuration, and with it what is derived from it. */
export function installConfiguration(raft: RaftState, confState: ConfState): void {
  raft.confState = confState;
  raft.members = membersOf(confState);
  raft.outbox.events.push({ kind: "configuration-changed", confState });
}

/** As `installConfiguration` for one that came from outside: it is checked first. */
export function installRestoredConfiguration(raft: RaftState, confState: ConfState): void {
  installConfiguration(raft, restoreConfiguration(confState));
}
