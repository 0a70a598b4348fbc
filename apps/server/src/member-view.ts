import { AlarmType } from "@quorate/proto";
import type { MemberView } from "./http/member-view.js";
import type { Member } from "./member.js";

const alarmNames: Readonly<Record<number, string>> = { [AlarmType.NOSPACE]: "NOSPACE", [AlarmType.CORRUPT]: "CORRUPT" };

/** Shows a running member to the HTTP pages. */
export function viewMember(member: Member, versions: { server: string; storage: string }): MemberView {
  const { state, front, core } = member;
  return {
    versions: () => {
      const cluster = state.membership.clusterVersion;
      return { server: versions.server, cluster, storage: cluster === undefined ? undefined : versions.storage };
    },
    serializableRead: (signal) => front.probe({ isLinearizable: false }, signal),
    linearizableRead: (signal) => front.probe({ isLinearizable: true }, signal),
    alarms: () => [...new Set(state.alarms.list(AlarmType.NONE).map(({ alarm }) => alarmNames[alarm] ?? "UNKNOWN"))],
    hasLeader: () => front.state.leader !== undefined,
    isLearner: () => front.state.isLearner,
    raftStatus: () => ({ id: member.id, ...core.facts() }),
  };
}
