import { assert, type LogIndex, type MemberId, type Term } from "@quorate/common";
import { becomeFollower } from "./become.js";
import { encodeConfChange } from "./codec/conf-change-codec.js";
import type { ConfChange } from "./conf-change.js";
import type { Entry } from "./entry.js";
import type { RaftState } from "./raft-state.js";
import { applyConfChange } from "./reconfigure.js";

/**
 * Founds a cluster on an empty store: every founder writes the same entries of term 1, so they agree without having talked. The
 * changes take effect at once, or nobody could campaign; the host sees and applies them again.
 */
export function bootstrap(
  raft: RaftState,
  peers: readonly Readonly<{ member: MemberId; context: Uint8Array }>[],
): void {
  assert(raft.log.lastIndex === 0, "a cluster is founded on an empty store");
  assert(peers.length > 0, "a cluster has a founder");
  const term = 1 as Term;
  becomeFollower(raft, term, undefined);
  const changes = peers.map(({ member, context }): ConfChange => {
    return { version: 1, change: { kind: "add-voter", member }, context };
  });
  const entries = changes.map((change, i): Entry => {
    return { index: (i + 1) as LogIndex, term, kind: "conf-change", data: encodeConfChange(change) };
  });
  raft.log.append(entries);
  raft.log.commitTo(entries.length as LogIndex);
  for (const change of changes) applyConfChange(raft, change);
}
