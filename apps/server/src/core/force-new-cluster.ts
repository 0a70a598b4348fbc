import type { LogIndex, Logger, MemberId } from "@quorate/common";
import type { Mvcc } from "@quorate/mvcc";
import { Metadata } from "@quorate/proto";
import {
  decodeConfChange,
  decodeEntry,
  decodeHardState,
  encodeConfChange,
  encodeEntry,
  encodeHardState,
  type Entry,
  entryKindOf,
  type HardState,
} from "@quorate/raft";
import type { Recovered, Wal } from "@quorate/wal";
import { loadConfState } from "./conf-change-apply.js";
import type { LogMark } from "./log-mark.js";
import { encodeMemberChange, type MemberChange } from "./member-change.js";

/** What the disk of a member has. */
type Remains = Readonly<{ wal: Wal; mvcc: Mvcc; recovered: Recovered; mark: LogMark | undefined }>;

/**
 * Makes a cluster of one from what one member of a lost cluster has: keeps what is committed, drops the rest of the log, and adds the removal of all
 * others, committed. Each entry is applied as any other, so that a later start needs nothing special.
 * @returns what the disk has then.
 * @see etcd 3.7.1, bootstrapRaftFromWAL with ForceNewCluster.
 */
export async function forceNewCluster(remains: Remains, ports: { logger: Logger }): Promise<Recovered> {
  const { wal, mvcc, recovered, mark } = remains;
  if (recovered.state === undefined && mark === undefined) return recovered; // it has promised nobody anything: it founds its cluster as any other
  const metadata = Metadata.decode(recovered.metadata);
  const self = (metadata.NodeID ?? 0n) as MemberId;
  const state = recovered.state === undefined ? undefined : decodeHardState(recovered.state);
  const base = mark?.index ?? 0;
  const commit = Math.max(state?.commit ?? 0, mvcc.applied.index, base) as LogIndex;
  const all = recovered.entries.map(({ data }) => decodeEntry(data));
  const kept = all.filter(({ index }) => index <= commit);
  const fields = { "cluster-id": (metadata.ClusterID ?? 0n).toString(16), "local-member-id": self.toString(16) };
  if (kept.length < all.length) {
    ports.logger.info("discarding uncommitted WAL entries", {
      ...fields,
      "entry-index": commit + 1,
      "commit-index-from-wal": commit,
      "number-of-discarded-entries": all.length - kept.length,
    });
  }
  const last = kept.at(-1);
  const term = state?.term ?? last?.term ?? mark?.term;
  if (term === undefined) return recovered;
  const changes = changesToBeAlone(self, rolesOf(remains, kept));
  const added = changes.map((change, at): Entry => {
    const encoded = encodeMemberChange(change);
    const index = (commit + 1 + at) as LogIndex;
    return { index, term, kind: entryKindOf(encoded), data: encodeConfChange(encoded) };
  });
  const hardState: HardState = { term, vote: state?.vote, commit: (commit + added.length) as LogIndex };
  const entries = added.map((entry) => ({ index: entry.index, data: encodeEntry(entry) }));
  const encodedState = encodeHardState(hardState);
  await new Promise<void>((resolve) => {
    wal.append({ entries, state: encodedState, mustSync: true }, () => resolve());
  });
  ports.logger.info("forcing restart member", { ...fields, "commit-index": hardState.commit });
  const keptOnDisk = recovered.entries.filter(({ index }) => index <= commit);
  return { ...recovered, entries: [...keptOnDisk, ...entries], state: encodedState };
}

/** Everybody that is in the configuration at the end of these entries. */
function rolesOf({ mvcc, mark }: Remains, entries: readonly Entry[]): ReadonlyMap<MemberId, "voter" | "learner"> {
  const confState = loadConfState({ bucket: (name) => mvcc.bucket(name) }) ?? mark?.confState;
  const roles = new Map<MemberId, "voter" | "learner">();
  for (const id of confState?.learners ?? []) roles.set(id, "learner");
  for (const id of confState?.voters ?? []) roles.set(id, "voter");
  for (const entry of entries) {
    if (entry.kind === "normal" || entry.index <= mvcc.applied.index) continue;
    const change = decodeConfChange(entry.kind, entry.data);
    for (const { kind, member } of change.version === 1 ? [change.change] : change.changes) {
      if (kind === "remove") roles.delete(member);
      else if (kind !== "update") roles.set(member, kind === "add-learner" ? "learner" : "voter");
    }
  }
  return roles;
}

function changesToBeAlone(self: MemberId, roles: ReadonlyMap<MemberId, "voter" | "learner">): readonly MemberChange[] {
  const others = [...roles.keys()].filter((id) => id !== self).sort((a, b) => (a < b ? -1 : 1));
  const removals = others.map((id): MemberChange => ({ kind: "remove", id }));
  // There has to be a voter at each step.
  return roles.get(self) === "learner" ? [{ kind: "promote", id: self }, ...removals] : removals;
}
