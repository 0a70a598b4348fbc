import type { Counter, Gauge, Histogram, MemberId, Meter } from "@quorate/common";
import { hex } from "./handshake.js";

/** What is counted of each peer. Labels are ids in hex. */
export class PeerMetrics {
  readonly sent: Counter;
  readonly received: Counter;
  readonly sendFailures: Counter;
  readonly receiveFailures: Counter;
  readonly roundTrip: Histogram;
  private readonly active: Gauge;
  private readonly disconnected: Counter;
  private readonly snapshots: Readonly<Record<"send" | "receive", SnapshotMetrics>>;

  constructor(meter: Meter) {
    this.snapshots = { send: snapshotMetrics(meter, "send"), receive: snapshotMetrics(meter, "receive") };
    const to = { labels: ["To"] };
    const from = { labels: ["From"] };
    const pair = { labels: ["Local", "Remote"] };
    this.sent = meter.counter({ name: "transport.peer.sent", unit: "By", description: "Bytes to a peer.", ...to });
    this.received = meter.counter({
      name: "transport.peer.received",
      unit: "By",
      description: "Bytes from a peer.",
      ...from,
    });
    this.sendFailures = meter.counter({
      name: "transport.peer.send_failures",
      unit: "1",
      description: "Messages to a peer that were dropped, and links that broke.",
      ...to,
    });
    this.receiveFailures = meter.counter({
      name: "transport.peer.receive_failures",
      unit: "1",
      description: "Messages from a peer that could not be read.",
      ...from,
    });
    this.roundTrip = meter.histogram({
      name: "transport.peer.round_trip",
      unit: "s",
      description: "Probe round trip.",
      buckets: Array.from({ length: 16 }, (_, power) => 0.0001 * 2 ** power),
      ...to,
    });
    this.active = meter.gauge({
      name: "transport.peer.active",
      unit: "1",
      description: "Live peer connections per pair.",
      ...pair,
    });
    this.disconnected = meter.counter({
      name: "transport.peer.disconnected",
      unit: "1",
      description: "Peer disconnects.",
      ...pair,
    });
  }

  /** The link from `local` to `remote` is there, or is not. */
  linked(local: MemberId, remote: MemberId, isUp: boolean): void {
    const labels = { Local: hex(local), Remote: hex(remote) };
    this.active.set(isUp ? 1 : 0, labels);
    if (!isUp) this.disconnected.add(1, labels);
  }

  /** A snapshot to or from that peer begins. @returns what to call at its end. */
  snapshotBegins(
    direction: "send" | "receive",
    peer: MemberId,
  ): (end: Readonly<{ isGood: boolean; tookMs: number }>) => void {
    const metrics = this.snapshots[direction];
    const labels = direction === "send" ? { To: hex(peer) } : { From: hex(peer) };
    metrics.running.set(1, labels); // one at a time
    return ({ isGood, tookMs }) => {
      metrics.running.set(0, labels);
      (isGood ? metrics.good : metrics.bad).add(1, labels);
      if (isGood) metrics.duration.record(tookMs / 1000, labels);
    };
  }
}

type SnapshotMetrics = {
  readonly good: Counter;
  readonly bad: Counter;
  readonly running: Gauge;
  readonly duration: Histogram;
};

function snapshotMetrics(meter: Meter, direction: "send" | "receive"): SnapshotMetrics {
  const labels = [direction === "send" ? "To" : "From"];
  const name = (what: string): string => `transport.snapshot.${direction}.${what}`;
  return {
    good: meter.counter({ name: name("success"), unit: "1", description: "Snapshots that arrived.", labels }),
    bad: meter.counter({ name: name("failures"), unit: "1", description: "Snapshots that did not arrive.", labels }),
    running: meter.gauge({ name: name("running"), unit: "1", description: "Snapshots on their way.", labels }),
    duration: meter.histogram({
      name: name("duration"),
      unit: "s",
      description: "Time a snapshot takes.",
      labels,
      buckets: Array.from({ length: 10 }, (_, power) => 0.1 * 2 ** power),
    }),
  };
}
