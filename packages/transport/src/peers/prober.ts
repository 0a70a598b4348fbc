import { type Clock, type Logger, type MemberId, PeerError, type Timer } from "@quorate/common";
import { hex } from "./handshake.js";
import type { PeerLimits } from "./peer-limits.js";
import type { PeerMetrics } from "./peer-metrics.js";

/** What the last probe found. */
export type ProbeResult = Readonly<{ roundTripMs: number; clockDifferenceMs: number }>;

const tripper = { "round-tripper-name": "ROUND_TRIPPER_RAFT_MESSAGE" };

/** Answer to a probe: the wall clock, in milliseconds since the Unix epoch. */
export function probeAnswer(clock: Clock): Buffer {
  const answer = Buffer.alloc(8);
  answer.writeDoubleBE(clock.wallMs());
  return answer;
}

/** Asks a peer for its time again and again, and says in the log when it is silent or its clock is far off. */
export class Prober {
  last: ProbeResult | undefined;
  private readonly member: MemberId;
  private readonly limits: PeerLimits;
  private readonly ports: Readonly<{ clock: Clock; logger: Logger; metrics: PeerMetrics }>;
  private readonly ask: (timeoutMs: number) => Promise<Buffer>;
  private timer: Timer | undefined;
  private isStopped = false;
  private isAsking = false;

  constructor(
    options: Readonly<{ member: MemberId; limits: PeerLimits; ask: (timeoutMs: number) => Promise<Buffer> }>,
    ports: Readonly<{ clock: Clock; logger: Logger; metrics: PeerMetrics }>,
  ) {
    this.member = options.member;
    this.limits = options.limits;
    this.ask = options.ask;
    this.ports = ports;
    this.later();
  }

  /** Probes now, besides the usual times. Never rejects. */
  async probe(): Promise<void> {
    if (this.isAsking || this.isStopped) return;
    this.isAsking = true;
    const { clock } = this.ports;
    const startMs = clock.monotonicMs();
    try {
      const answer = await this.ask(this.limits.probeIntervalMs);
      if (answer.length !== 8) throw new Error("malformed answer to a probe");
      const roundTripMs = clock.monotonicMs() - startMs;
      this.found({ roundTripMs, clockDifferenceMs: answer.readDoubleBE() + roundTripMs / 2 - clock.wallMs() });
    } catch (error) {
      if (!this.isStopped) this.failed(error as Error); // a peer that is down is no error of ours: said in the log, tried again
    } finally {
      this.isAsking = false;
    }
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
  }

  private later(): void {
    this.timer = this.ports.clock.after(this.limits.probeIntervalMs, () => {
      void this.probe();
      this.later();
    });
  }

  private found(result: ProbeResult): void {
    if (this.isStopped) return;
    this.last = result;
    const { metrics, logger } = this.ports;
    metrics.roundTrip.record(result.roundTripMs / 1000, { To: hex(this.member) });
    if (!(Math.abs(result.clockDifferenceMs) > this.limits.clockDifferenceMsMax)) return;
    logger.warn("prober found high clock drift", {
      ...tripper,
      "remote-peer-id": hex(this.member),
      "clock-drift": `${Math.abs(result.clockDifferenceMs) / 1000}s`,
      rtt: `${result.roundTripMs / 1000}s`,
    });
  }

  private failed(error: Error): void {
    this.last = undefined;
    const fault = error instanceof PeerError ? error.fault : undefined;
    this.ports.logger.warn("prober detected unhealthy status", {
      ...tripper,
      "remote-peer-id": hex(this.member),
      rtt: "0s",
      error: fault !== undefined && "reason" in fault ? fault.reason : error.message,
    });
  }
}
