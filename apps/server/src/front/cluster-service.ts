import type { MemberId } from "@quorate/common";
import {
  MemberAddRequest,
  MemberListRequest,
  MemberPromoteRequest,
  MemberRemoveRequest,
  MemberUpdateRequest,
} from "@quorate/proto";
import type { GrpcServices, UnaryCall } from "@quorate/transport";
import { parseUrls } from "../config/member-url.js";
import type { MemberRequest } from "../core/member-changes.js";
import { decodeRequest, type Front } from "./front.js";

const service = "/etcdserverpb.Cluster/";

/** The service that tells and changes who the members are. */
export function registerCluster(services: GrpcServices, front: Front): void {
  services.unary(`${service}MemberList`, (call, message) => {
    const request = decodeRequest(call, MemberListRequest, message);
    if (request === undefined) return;
    front.link.send({ kind: "member-list", serial: front.expect(call), linearizable: request.linearizable });
  });
  services.unary(`${service}MemberAdd`, (call, message) => {
    const request = decodeRequest(call, MemberAddRequest, message);
    if (request === undefined) return;
    const parsed = parseUrls(request.peerURLs);
    if (parsed.kind === "invalid") return front.fail(call, { code: "server/bad-member-urls" });
    const peerURLs = parsed.urls.map((url) => url.text);
    change(front, call, { kind: "add", peerURLs, isLearner: request.isLearner });
  });
  services.unary(`${service}MemberRemove`, (call, message) => {
    const request = decodeRequest(call, MemberRemoveRequest, message);
    if (request !== undefined) change(front, call, { kind: "remove", id: request.ID as MemberId });
  });
  services.unary(`${service}MemberUpdate`, (call, message) => {
    const request = decodeRequest(call, MemberUpdateRequest, message);
    if (request === undefined) return;
    // Whatever the URLs are: etcd takes them as they come.
    change(front, call, { kind: "update", id: request.ID as MemberId, peerURLs: [...request.peerURLs] });
  });
  services.unary(`${service}MemberPromote`, (call, message) => {
    const request = decodeRequest(call, MemberPromoteRequest, message);
    if (request !== undefined) change(front, call, { kind: "promote", id: request.ID as MemberId });
  });
}

/** A change waits as long as its caller does: there may be no quorum for it. */
function change(front: Front, call: UnaryCall, request: MemberRequest): void {
  const serial = front.expectLong(call);
  call.onCancel(() => front.forget(serial));
  front.link.send({ kind: "member-change", serial, request });
}
