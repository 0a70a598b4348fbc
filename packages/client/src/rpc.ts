import * as proto from "@quorate/proto";

/**
 * What may be done when it is not known whether a request arrived. "read": nothing changes, ask again. "write": never repeat by
 * accident.
 */
export type Effect = "read" | "write";

/** One method of etcd's API whose request and answer are single messages. */
export type Rpc<Request, Answer> = {
  /** As "/etcdserverpb.KV/Put". */
  readonly path: string;
  readonly request: proto.MessageCodec<Request>;
  readonly answer: proto.MessageCodec<Answer>;
  readonly effect: Effect;
};

function rpc<Request, Answer>(
  name: string,
  effect: Effect,
  request: proto.MessageCodec<Request>,
  answer: proto.MessageCodec<Answer>,
): Rpc<Request, Answer> {
  return { path: `/${name}`, request, answer, effect };
}

/** The methods with one request and one answer, for `client.call`: what has no method of its own, and answers in full. */
export const rpcs = {
  range: rpc("etcdserverpb.KV/Range", "read", proto.RangeRequest, proto.RangeResponse),
  put: rpc("etcdserverpb.KV/Put", "write", proto.PutRequest, proto.PutResponse),
  deleteRange: rpc("etcdserverpb.KV/DeleteRange", "write", proto.DeleteRangeRequest, proto.DeleteRangeResponse),
  txn: rpc("etcdserverpb.KV/Txn", "write", proto.TxnRequest, proto.TxnResponse),
  /** A transaction of nothing but ranges. */
  readTxn: rpc("etcdserverpb.KV/Txn", "read", proto.TxnRequest, proto.TxnResponse),
  compact: rpc("etcdserverpb.KV/Compact", "write", proto.CompactionRequest, proto.CompactionResponse),
  leaseGrant: rpc("etcdserverpb.Lease/LeaseGrant", "write", proto.LeaseGrantRequest, proto.LeaseGrantResponse),
  leaseRevoke: rpc("etcdserverpb.Lease/LeaseRevoke", "write", proto.LeaseRevokeRequest, proto.LeaseRevokeResponse),
  leaseTimeToLive: rpc(
    "etcdserverpb.Lease/LeaseTimeToLive",
    "read",
    proto.LeaseTimeToLiveRequest,
    proto.LeaseTimeToLiveResponse,
  ),
  leaseLeases: rpc("etcdserverpb.Lease/LeaseLeases", "read", proto.LeaseLeasesRequest, proto.LeaseLeasesResponse),
  memberList: rpc("etcdserverpb.Cluster/MemberList", "read", proto.MemberListRequest, proto.MemberListResponse),
  memberAdd: rpc("etcdserverpb.Cluster/MemberAdd", "write", proto.MemberAddRequest, proto.MemberAddResponse),
  memberRemove: rpc(
    "etcdserverpb.Cluster/MemberRemove",
    "write",
    proto.MemberRemoveRequest,
    proto.MemberRemoveResponse,
  ),
  memberUpdate: rpc(
    "etcdserverpb.Cluster/MemberUpdate",
    "write",
    proto.MemberUpdateRequest,
    proto.MemberUpdateResponse,
  ),
  memberPromote: rpc(
    "etcdserverpb.Cluster/MemberPromote",
    "write",
    proto.MemberPromoteRequest,
    proto.MemberPromoteResponse,
  ),
  status: rpc("etcdserverpb.Maintenance/Status", "read", proto.StatusRequest, proto.StatusResponse),
  alarmList: rpc("etcdserverpb.Maintenance/Alarm", "read", proto.AlarmRequest, proto.AlarmResponse),
  alarm: rpc("etcdserverpb.Maintenance/Alarm", "write", proto.AlarmRequest, proto.AlarmResponse),
  defragment: rpc("etcdserverpb.Maintenance/Defragment", "write", proto.DefragmentRequest, proto.DefragmentResponse),
  hash: rpc("etcdserverpb.Maintenance/Hash", "read", proto.HashRequest, proto.HashResponse),
  hashKv: rpc("etcdserverpb.Maintenance/HashKV", "read", proto.HashKVRequest, proto.HashKVResponse),
  moveLeader: rpc("etcdserverpb.Maintenance/MoveLeader", "write", proto.MoveLeaderRequest, proto.MoveLeaderResponse),
  downgrade: rpc("etcdserverpb.Maintenance/Downgrade", "write", proto.DowngradeRequest, proto.DowngradeResponse),
  healthCheck: rpc("grpc.health.v1.Health/Check", "read", proto.HealthCheckRequest, proto.HealthCheckResponse),
  authenticate: rpc("etcdserverpb.Auth/Authenticate", "read", proto.AuthenticateRequest, proto.AuthenticateResponse),
  authEnable: rpc("etcdserverpb.Auth/AuthEnable", "write", proto.AuthEnableRequest, proto.AuthEnableResponse),
  authDisable: rpc("etcdserverpb.Auth/AuthDisable", "write", proto.AuthDisableRequest, proto.AuthDisableResponse),
  authStatus: rpc("etcdserverpb.Auth/AuthStatus", "read", proto.AuthStatusRequest, proto.AuthStatusResponse),
  userAdd: rpc("etcdserverpb.Auth/UserAdd", "write", proto.AuthUserAddRequest, proto.AuthUserAddResponse),
  userGet: rpc("etcdserverpb.Auth/UserGet", "read", proto.AuthUserGetRequest, proto.AuthUserGetResponse),
  userList: rpc("etcdserverpb.Auth/UserList", "read", proto.AuthUserListRequest, proto.AuthUserListResponse),
  userDelete: rpc("etcdserverpb.Auth/UserDelete", "write", proto.AuthUserDeleteRequest, proto.AuthUserDeleteResponse),
  userChangePassword: rpc(
    "etcdserverpb.Auth/UserChangePassword",
    "write",
    proto.AuthUserChangePasswordRequest,
    proto.AuthUserChangePasswordResponse,
  ),
  userGrantRole: rpc(
    "etcdserverpb.Auth/UserGrantRole",
    "write",
    proto.AuthUserGrantRoleRequest,
    proto.AuthUserGrantRoleResponse,
  ),
  userRevokeRole: rpc(
    "etcdserverpb.Auth/UserRevokeRole",
    "write",
    proto.AuthUserRevokeRoleRequest,
    proto.AuthUserRevokeRoleResponse,
  ),
  roleAdd: rpc("etcdserverpb.Auth/RoleAdd", "write", proto.AuthRoleAddRequest, proto.AuthRoleAddResponse),
  roleGet: rpc("etcdserverpb.Auth/RoleGet", "read", proto.AuthRoleGetRequest, proto.AuthRoleGetResponse),
  roleList: rpc("etcdserverpb.Auth/RoleList", "read", proto.AuthRoleListRequest, proto.AuthRoleListResponse),
  roleDelete: rpc("etcdserverpb.Auth/RoleDelete", "write", proto.AuthRoleDeleteRequest, proto.AuthRoleDeleteResponse),
  roleGrantPermission: rpc(
    "etcdserverpb.Auth/RoleGrantPermission",
    "write",
    proto.AuthRoleGrantPermissionRequest,
    proto.AuthRoleGrantPermissionResponse,
  ),
  roleRevokePermission: rpc(
    "etcdserverpb.Auth/RoleRevokePermission",
    "write",
    proto.AuthRoleRevokePermissionRequest,
    proto.AuthRoleRevokePermissionResponse,
  ),
} as const;

/** One method of etcd's API whose answer is a stream of messages. */
export type StreamRpc<Request, Answer> = Omit<Rpc<Request, Answer>, "effect">;

/** The methods that answer one request with many messages and change nothing, for `client.stream`. */
export const streamRpcs = {
  rangeStream: {
    path: "/etcdserverpb.KV/RangeStream",
    request: proto.RangeRequest,
    answer: proto.RangeStreamResponse,
  } satisfies StreamRpc<proto.RangeRequest, proto.RangeStreamResponse>,
} as const;

/** Paths of the methods that stream. */
export const streamPaths = {
  watch: "/etcdserverpb.Watch/Watch",
  leaseKeepAlive: "/etcdserverpb.Lease/LeaseKeepAlive",
  rangeStream: "/etcdserverpb.KV/RangeStream",
  snapshot: "/etcdserverpb.Maintenance/Snapshot",
} as const;
