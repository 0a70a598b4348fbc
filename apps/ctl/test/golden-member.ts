import {
  AlarmResponse,
  AlarmType,
  DefragmentResponse,
  DowngradeResponse,
  HashKVResponse,
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveResponse,
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
  MoveLeaderResponse,
  RangeResponse,
  StatusResponse,
} from "@quorate/proto";
import type { FakeSettings } from "./fake-world.js";

const bytes = (text: string) => new TextEncoder().encode(text);

/** The header of all answers: ids that no double holds. */
export const header = { clusterId: 14841639068965178418n, memberId: 10276657743932975437n, revision: 7n, raftTerm: 2n };
const id = 7587895049283887617n;
const one = {
  ID: header.memberId,
  name: "m1",
  peerURLs: ["http://127.0.0.1:2380"],
  clientURLs: ["http://127.0.0.1:2379", "http://localhost:2379"],
  isLearner: false,
};
const added = { ID: 1234567890123n, name: "", peerURLs: ["http://127.0.0.1:3380"], clientURLs: [], isLearner: true };

/** What the scripted member answers, by method. */
export const answers: NonNullable<FakeSettings["answers"]> = {
  "/etcdserverpb.Lease/LeaseGrant": () => LeaseGrantResponse.encode({ header, ID: id, TTL: 600n }),
  "/etcdserverpb.Lease/LeaseRevoke": () => LeaseRevokeResponse.encode({ header }),
  "/etcdserverpb.Lease/LeaseTimeToLive": () =>
    LeaseTimeToLiveResponse.encode({
      header,
      ID: id,
      TTL: 594n,
      grantedTTL: 600n,
      keys: [bytes("foo1"), Uint8Array.of(0xff, 0x0a)],
    }),
  "/etcdserverpb.Lease/LeaseLeases": () => LeaseLeasesResponse.encode({ header, leases: [{ ID: id }, { ID: 255n }] }),
  "/etcdserverpb.Lease/LeaseKeepAlive": () => LeaseKeepAliveResponse.encode({ header, ID: id, TTL: 600n }),
  "/etcdserverpb.Cluster/MemberList": () => MemberListResponse.encode({ header, members: [one, added] }),
  "/etcdserverpb.Cluster/MemberAdd": () => MemberAddResponse.encode({ header, member: added, members: [one, added] }),
  "/etcdserverpb.Cluster/MemberUpdate": () => MemberUpdateResponse.encode({ header, members: [one, added] }),
  "/etcdserverpb.Cluster/MemberRemove": () => MemberRemoveResponse.encode({ header, members: [one] }),
  "/etcdserverpb.Cluster/MemberPromote": () => MemberPromoteResponse.encode({ header, members: [one] }),
  "/etcdserverpb.Maintenance/Status": () =>
    StatusResponse.encode({
      header,
      version: "3.7.1",
      storageVersion: "3.7.0",
      dbSize: 20480n,
      dbSizeInUse: 16384n,
      dbSizeQuota: 2147483648n,
      leader: header.memberId,
      raftIndex: 9n,
      raftTerm: 2n,
      raftAppliedIndex: 8n,
      errors: ["memberID:10276657743932975437  alarm:NOSPACE", "etcdserver: no leader"],
      downgradeInfo: { enabled: true, targetVersion: "3.6.0" },
    }),
  "/etcdserverpb.Maintenance/HashKV": () =>
    HashKVResponse.encode({ header, hash: 1084519789, compactRevision: -1n, hashRevision: 7n }),
  "/etcdserverpb.Maintenance/Alarm": () =>
    AlarmResponse.encode({ header, alarms: [{ memberID: header.memberId, alarm: AlarmType.NOSPACE }] }),
  "/etcdserverpb.Maintenance/Defragment": () => DefragmentResponse.encode({ header }),
  "/etcdserverpb.Maintenance/MoveLeader": () => MoveLeaderResponse.encode({}),
  "/etcdserverpb.Maintenance/Downgrade": () => DowngradeResponse.encode({ header, version: "3.7" }),
  "/etcdserverpb.KV/Range": () => RangeResponse.encode({ header }),
};
