// The one door of the package.
export { type Access, Auth, type RolePermission } from "./admin/auth.js";
export { Cluster, type ClusterMember, type Membership } from "./admin/cluster.js";
export {
  type Alarm,
  type AlarmKind,
  type EndpointHealth,
  type KeysHash,
  Maintenance,
  type MemberStatus,
} from "./admin/maintenance.js";
export type { SnapshotChunk } from "./admin/snapshot.js";
export type { CallOptions, StreamOptions, WriteRetry } from "./call-options.js";
export { Client, type ClientOptions, type ClientPorts, createClient } from "./client.js";
export { ClientError, type ErrorCode, type LocalCode } from "./client-error.js";
export { type Backoff, type Clock, systemClock } from "./clock.js";
export { type Bytes, bytes, type Codec, json, prefixed, text } from "./codec.js";
export { Election, type Leadership } from "./concurrency/election.js";
export { Lock, type LockOptions } from "./concurrency/lock.js";
export type { StmOptions, StmView } from "./concurrency/stm.js";
export { type Endpoint, parseEndpoint } from "./endpoint.js";
export type { EndpointState } from "./endpoint-set.js";
export type { KeepAlivePings, Pem, TlsOptions } from "./grpc/channel-options.js";
export { createGrpcTransport } from "./grpc/grpc-transport.js";
export { type Comparison, Comparisons, type Relation } from "./kv/comparison.js";
export type { Codecs, Entry } from "./kv/entry.js";
export type { Header } from "./kv/header.js";
export { Keyspace } from "./kv/keyspace.js";
export {
  type DeleteOptions,
  type DeleteResult,
  type Operation,
  Operations,
  type PutOptions,
  type PutResult,
  type ReadOptions,
  type ReadResult,
} from "./kv/operation.js";
export type { Page, PageOptions } from "./kv/pages.js";
export { nested, type ResultsOf, type Txn, type TxnResult } from "./kv/txn.js";
export { HeldLease } from "./lease/held-lease.js";
export { type GrantedLease, type GrantOptions, type HoldOptions, Leases, type LeaseState } from "./lease/leases.js";
export { type Effect, type Rpc, rpcs, type StreamRpc, streamRpcs } from "./rpc.js";
export type { KnownServerCode, StatusServerCode } from "./server-errors.js";
export { between, everything, from, prefix, Span } from "./span.js";
export { StatusCode, statusName } from "./status-code.js";
export type { Credentials } from "./token-source.js";
export type {
  CallFailure,
  CallSettings,
  DuplexStream,
  ReadStream,
  StreamHandlers,
  Transport,
  UnaryOutcome,
} from "./transport.js";
export { Watch, type WatchBatch, type WatchEvent, type WatchOptions } from "./watch/watch.js";
