import {
  assert,
  type Clock,
  type ClusterId,
  type Logger,
  type MemberId,
  type MessageUrgency,
  type Meter,
  type PeerAddress,
  PeerError,
  type PeerFault,
  type PeerNetwork,
  type PeerReceiver,
  type PeerStatus,
  type Random,
  type SnapshotSource,
} from "@quorate/common";
import type { GrpcServices } from "../grpc/registry.js";
import { lengthOf } from "../grpc/message-writer.js";
import { readFrames } from "./batch.js";
import { type Channels, loadChannels, type PeerTls } from "./channel.js";
import { hex, type PeerIdentity, type Refusal } from "./handshake.js";
import { defaultPeerLimits, type PeerLimits } from "./peer-limits.js";
import { type LinkHost, PeerLink } from "./peer-link.js";
import { PeerMetrics } from "./peer-metrics.js";
import { PeerService } from "./peer-service.js";
import type { ServiceHost } from "./service-host.js";
import { SnapshotSender } from "./snapshot-sender.js";

/** Who this member is among its peers, and how it speaks with them. */
export type PeerNetworkOptions = Readonly<{
  self: MemberId;
  cluster: ClusterId;
  /** Like `3.7.1`: of this server, and of the oldest one that it can be in a cluster with. */
  version: Readonly<{ server: string; minCluster: string }>;
  /** How `https` peers are connected to. Without it: by the authorities that Node trusts, and without a certificate of our own. */
  tls?: PeerTls | undefined;
  limits?: Partial<PeerLimits> | undefined;
  /** Whether that member was in the cluster and is no longer. It is then told so, and not listened to. */
  isRemoved?: ((member: MemberId) => boolean) | undefined;
  /** A peer says that this member was removed from the cluster. May come more than once. */
  onRemoved?: ((by: MemberId) => void) | undefined;
}>;

/** The world of a peer network. */
export type PeerNetworkPorts = Readonly<{ clock: Clock; random: Random; logger: Logger; meter: Meter }>;

/** What is held for peers at this moment. */
export type PeerNetworkStats = Readonly<{ links: number; linksUp: number; queuedBytes: number }>;

/** The port between members, on gRPC. */
export interface GrpcPeerNetwork extends PeerNetwork {
  /** Adds what this member answers its peers to the services of its peer listeners. Call it before they listen. */
  register(services: GrpcServices): void;
  /** Hands to the connections what has been queued, now instead of at the end of this turn of the event loop. */
  flush(): void;
  stats(): PeerNetworkStats;
  /** Closes all links. Nothing is received or reported afterwards. */
  stop(): Promise<void>;
}

/** Connects a member to its peers. It speaks to nobody before `setPeers`. */
export function createPeerNetwork(options: PeerNetworkOptions, ports: PeerNetworkPorts): GrpcPeerNetwork {
  return new Network(options, ports);
}

class Network implements GrpcPeerNetwork, LinkHost, ServiceHost {
  readonly identity: PeerIdentity;
  readonly limits: PeerLimits;
  readonly metrics: PeerMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  private readonly options: PeerNetworkOptions;
  private readonly service: PeerService;
  private readonly links = new Map<MemberId, PeerLink>();
  /** The members of the last `setPeers`. */
  private wanted: readonly PeerAddress[] = [];
  private loaded: Channels | undefined;
  private isLoading = false;
  private readonly senders = new Set<SnapshotSender>();
  private dirty: PeerLink[] = [];
  private current: PeerReceiver | undefined;
  private isStopped = false;

  constructor(options: PeerNetworkOptions, ports: PeerNetworkPorts) {
    this.options = options;
    this.identity = { self: options.self, cluster: options.cluster, version: options.version };
    this.limits = { ...defaultPeerLimits, ...options.limits };
    this.clock = ports.clock;
    this.random = ports.random;
    this.logger = ports.logger;
    this.metrics = new PeerMetrics(ports.meter);
    this.service = new PeerService(this);
  }

  register(services: GrpcServices): void {
    this.service.register(services);
  }

  get channels(): Channels {
    assert(this.loaded !== undefined, "no link is made before what makes connections is loaded");
    return this.loaded;
  }

  setPeers(peers: readonly PeerAddress[]): void {
    if (this.isStopped) return;
    this.wanted = peers.filter(({ member }) => member !== this.identity.self);
    if (this.loaded !== undefined) this.changeLinks();
    else if (this.wanted.length > 0 && !this.isLoading) void this.load();
    this.service.dropRemoved();
  }

  private async load(): Promise<void> {
    this.isLoading = true;
    this.loaded = await loadChannels(this.options.tls, this.limits);
    if (!this.isStopped) this.changeLinks();
  }

  private changeLinks(): void {
    const wanted = new Set(this.wanted.map((peer) => peer.member));
    const local = { "local-member-id": hex(this.identity.self) };
    for (const [member, link] of this.links) {
      if (wanted.has(member)) continue;
      this.links.delete(member);
      link.close();
      this.cancelSnapshots(member);
      this.logger.info("removed remote peer", { ...local, "removed-remote-peer-id": hex(member) });
    }
    for (const { member, urls } of this.wanted) {
      const link = this.links.get(member);
      if (link === undefined) {
        this.links.set(member, new PeerLink(member, urls, this));
        this.logger.info("added remote peer", { ...local, "remote-peer-id": hex(member), "remote-peer-urls": urls });
      } else link.setUrls(urls);
    }
  }

  send(to: MemberId, parts: readonly Uint8Array[], urgency: MessageUrgency = "ordered"): boolean {
    const length = lengthOf(parts);
    if (this.isStopped || length > this.limits.messageBytesMax) return false;
    const link = this.links.get(to);
    return link?.isUp === true ? link.send(parts, length, urgency) : this.service.reply(to, parts, length);
  }

  sendSnapshot(to: MemberId, snapshot: SnapshotSource, done: (isDelivered: boolean) => void): void {
    const link = this.links.get(to);
    if (link === undefined) {
      snapshot.close();
      this.clock.after(0, () => done(false));
      return;
    }
    const sender = new SnapshotSender(link, snapshot, this);
    this.senders.add(sender);
    void sender.run().then((isDelivered) => {
      this.senders.delete(sender);
      done(isDelivered);
    });
  }

  ask(to: MemberId, question: Uint8Array, { timeoutMs }: { timeoutMs: number }): Promise<Uint8Array> {
    const link = this.links.get(to);
    if (link !== undefined) return link.ask(question, timeoutMs);
    const fault: PeerFault = this.isWanted(to)
      ? { code: "peer/unreachable", member: to, reason: notConnected }
      : { code: "peer/unknown", member: to };
    return Promise.reject(new PeerError(fault));
  }

  receive(receiver: PeerReceiver): void {
    this.current = receiver;
  }

  receiver(): PeerReceiver | undefined {
    return this.isStopped ? undefined : this.current;
  }

  status(member: MemberId): PeerStatus | undefined {
    return this.links.get(member)?.status() ?? (this.isWanted(member) ? unconnected : undefined);
  }

  /** In the list, though there may be no link yet. */
  private isWanted(member: MemberId): boolean {
    return this.wanted.some((peer) => peer.member === member);
  }

  stats(): PeerNetworkStats {
    let [linksUp, queuedBytes] = [0, 0];
    for (const link of this.links.values()) {
      if (link.isUp) linksUp++;
      queuedBytes += link.queuedBytes;
    }
    return { links: this.links.size, linksUp, queuedBytes };
  }

  private cancelSnapshots(member: MemberId | undefined): void {
    for (const sender of this.senders) if (member === undefined || sender.member === member) sender.cancel();
  }

  stop(): Promise<void> {
    this.isStopped = true;
    this.wanted = [];
    this.cancelSnapshots(undefined);
    for (const link of this.links.values()) link.close();
    this.links.clear();
    this.service.stop();
    return Promise.resolve();
  }

  flushLater(link: PeerLink): void {
    if (this.dirty.length === 0) setImmediate(this.flushAll);
    this.dirty.push(link);
  }

  flush(): void {
    for (const link of this.dirty) if (link.isDirty) link.flush();
  }

  private readonly flushAll = (): void => {
    const { dirty } = this;
    this.dirty = [];
    for (const link of dirty) if (link.isDirty) link.flush();
  };

  batch(from: MemberId, bytes: Buffer): void {
    const label = { From: hex(from) };
    this.metrics.received.add(bytes.length, label);
    const isWhole = readFrames(bytes, (message) => this.receiver()?.message(from, message));
    if (!isWhole) this.metrics.receiveFailures.add(1, label);
  }

  linkLost(member: MemberId): void {
    this.receiver()?.linkLost(member);
  }

  isRemoved(member: MemberId): boolean {
    return this.options.isRemoved?.(member) === true;
  }

  heardFrom(member: MemberId): void {
    this.links.get(member)?.wake();
  }

  refused(by: MemberId, refusal: Refusal): void {
    this.logger.warn(refusedLines[refusal], {
      "local-member-id": hex(this.identity.self),
      "local-member-cluster-id": hex(this.identity.cluster),
      "remote-peer-id": hex(by),
    });
    if (refusal === "removed" && !this.isStopped) this.options.onRemoved?.(by);
  }
}

const notConnected = "not connected yet";
const unconnected: PeerStatus = {
  isConnected: false,
  activeSinceMs: undefined,
  roundTripMs: undefined,
  clockDifferenceMs: undefined,
};

/** What the side that was refused logs. */
const refusedLines: Readonly<Record<Refusal, string>> = {
  malformed: "request sent was ignored by remote peer due to malformed headers",
  version: "request sent was ignored by remote peer due to server version incompatibility",
  cluster: "request sent was ignored by remote peer due to cluster ID mismatch",
  member: "request sent was ignored by remote peer due to member ID mismatch",
  removed: "request sent was ignored by remote peer because this member was removed",
};
