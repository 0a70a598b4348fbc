import type { LeaseId } from "@quorate/common";
import {
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  LeaseLeasesRequest,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
} from "@quorate/proto";
import type { GrpcServices, StreamCall, UnaryCall } from "@quorate/transport";
import type { Fault } from "../public-errors.js";
import { EntryField } from "../core/entry-codec.js";
import { streamChunks } from "./chunk-stream.js";
import { decodeRequest, type Front } from "./front.js";
import { leaseGrantCost } from "./kv-checks.js";
import { findQuotaFault, propose } from "./kv-service.js";

const service = "/etcdserverpb.Lease/";

/** The lease service. */
export function registerLease(services: GrpcServices, front: Front): void {
  services.unary(`${service}LeaseGrant`, (call, message) => grant(front, call, message));
  services.unary(`${service}LeaseRevoke`, (call, message) => revoke(front, call, message));
  services.unary(`${service}LeaseTimeToLive`, (call, message) => timeToLive(front, call, message));
  services.unary(`${service}LeaseLeases`, (call, message) => list(front, call, message));
  services.bidi(`${service}LeaseKeepAlive`, (call) => new KeepAliveStream(front, call));
}

function grant(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, LeaseGrantRequest, message);
  if (request === undefined) return;
  const fault = findQuotaFault(front, leaseGrantCost);
  if (fault !== undefined) return front.fail(call, fault);
  if (request.ID !== 0n) return propose(front, call, EntryField.leaseGrant, message);
  const chosen = LeaseGrantRequest.encode({ TTL: request.TTL, ID: front.serial.nextLeaseId() });
  propose(front, call, EntryField.leaseGrant, chosen);
}

function revoke(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, LeaseRevokeRequest, message);
  if (request !== undefined) propose(front, call, EntryField.leaseRevoke, message);
}

function timeToLive(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, LeaseTimeToLiveRequest, message);
  if (request === undefined) return;
  const serial = front.expectLong(call); // the core has its own deadline, and says why
  front.link.send({ kind: "lease-time-to-live", serial, lease: request.ID as LeaseId, keys: request.keys });
}

function list(front: Front, call: UnaryCall, message: Uint8Array): void {
  if (decodeRequest(call, LeaseLeasesRequest, message) === undefined) return;
  front.link.send({ kind: "lease-list", serial: front.expect(call) });
}

/** Renewals that may wait for their answers on one stream; then the stream is not read until some are answered. */
const waitingMax = 1000;

/** Renews leases one after the other, in the order of the stream. The stream ends when its client has ended it and all is answered. */
class KeepAliveStream {
  readonly #front: Front;
  readonly #call: StreamCall;
  #queue: LeaseId[] = [];
  /** The renewal that waits for its answer. */
  #serial: number | undefined;
  #isAsking = false;
  #isHalfClosed = false;

  constructor(front: Front, call: StreamCall) {
    this.#front = front;
    this.#call = call;
    front.joinStreams(this);
    front.leaderStreams.join(call, (fault) => this.end(fault));
    call.onMessage((message) => this.#take(message));
    call.onHalfClose(() => {
      this.#isHalfClosed = true;
      this.#next();
    });
    call.onCancel(() => this.#leave());
  }

  /** The member stops. */
  end(fault: Fault): void {
    if (!this.#call.isOver) streamChunks.fail(this.#call, fault);
    this.#leave();
  }

  #take(message: Uint8Array): void {
    if (this.#call.isOver) return;
    const request = decodeRequest(this.#call, LeaseKeepAliveRequest, message);
    if (request === undefined) return this.#leave();
    this.#queue.push(request.ID as LeaseId);
    if (this.#queue.length >= waitingMax) this.#call.pauseReading();
    this.#next();
  }

  /** Asks one after the other. Most are answered before `send` returns: a loop, so that a thousand of them do not fill the stack. */
  #next(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#serial === undefined && !this.#call.isOver && this.#queue.length > 0) {
      const lease = this.#queue.shift() as LeaseId;
      if (this.#queue.length === waitingMax >> 1) this.#call.resumeReading();
      this.#ask(lease);
    }
    this.#isAsking = false;
    if (this.#serial !== undefined || this.#call.isOver || !this.#isHalfClosed) return;
    this.#call.end();
    this.#leave();
  }

  #ask(lease: LeaseId): void {
    const serial = this.#front.expectChunks({
      chunk: (parts) => {
        this.#serial = undefined;
        if (this.#call.isOver) return;
        this.#call.sendParts(parts);
        this.#next();
      },
      fail: (fault) => {
        this.#serial = undefined;
        this.end(fault);
      },
    });
    this.#serial = serial;
    this.#front.link.send({ kind: "lease-renew", serial, lease });
  }

  /** Nothing is asked or answered any more. */
  #leave(): void {
    this.#front.leaveStreams(this);
    this.#queue = [];
    if (this.#serial !== undefined) this.#front.forgetChunks(this.#serial);
    this.#serial = undefined;
  }
}
