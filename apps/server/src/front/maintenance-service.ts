import type { MemberId, Revision } from "@quorate/common";
import {
  AlarmRequest,
  AlarmRequest_AlarmAction as AlarmAction,
  DefragmentRequest,
  HashKVRequest,
  HashRequest,
  MoveLeaderRequest,
  SnapshotRequest,
  StatusRequest,
} from "@quorate/proto";
import type { GrpcServices, StreamCall, UnaryCall } from "@quorate/transport";
import { EntryField } from "../core/entry-codec.js";
import { requestedRevision } from "../core/wire.js";
import { streamChunks } from "./chunk-stream.js";
import { decodeRequest, type Front } from "./front.js";
import { propose } from "./kv-service.js";

const service = "/etcdserverpb.Maintenance/";

/** The maintenance service. */
export function registerMaintenance(services: GrpcServices, front: Front): void {
  services.unary(`${service}Alarm`, (call, message) => alarm(front, call, message));
  services.unary(`${service}Status`, (call, message) => {
    if (decodeRequest(call, StatusRequest, message) === undefined) return;
    front.link.send({ kind: "status", serial: front.expect(call) });
  });
  services.unary(`${service}Hash`, (call, message) => {
    if (decodeRequest(call, HashRequest, message) === undefined) return;
    front.link.send({ kind: "hash", serial: front.expectLong(call) });
  });
  services.unary(`${service}HashKV`, (call, message) => hashKv(front, call, message));
  services.unary(`${service}Defragment`, (call, message) => {
    if (decodeRequest(call, DefragmentRequest, message) === undefined) return;
    front.link.send({ kind: "defragment", serial: front.expectLong(call) });
  });
  services.serverStream(`${service}Snapshot`, (call, message) => snapshot(front, call, message));
  services.unary(`${service}MoveLeader`, (call, message) => {
    const request = decodeRequest(call, MoveLeaderRequest, message);
    if (request === undefined) return;
    front.link.send({ kind: "move-leader", serial: front.expectLong(call), to: request.targetID as MemberId });
  });
}

function alarm(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, AlarmRequest, message);
  if (request === undefined) return;
  const isKnown = Object.values<number>(AlarmAction).includes(request.action);
  // etcd lets this into its log, and every member dies of it at each start.
  if (!isKnown) return front.fail(call, { code: "server/unknown-alarm-action", action: request.action });
  propose(front, call, EntryField.alarm, message);
}

function hashKv(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, HashKVRequest, message);
  if (request === undefined) return;
  const revision: Revision | undefined = requestedRevision(request.revision);
  front.link.send({ kind: "hash-kv", serial: front.expectLong(call), revision, echo: request.revision });
}

function snapshot(front: Front, call: StreamCall, message: Uint8Array): void {
  if (decodeRequest(call, SnapshotRequest, message) === undefined) return;
  streamChunks.open(front, call, (serial) => front.link.send({ kind: "snapshot", serial }));
}
