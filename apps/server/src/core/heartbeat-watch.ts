import type { Clock, Logger, MemberId } from "@quorate/common";
import type { Envelope } from "@quorate/raft";
import type { CoreObserver } from "./core-options.js";

/** Notices when a leader does not send its heartbeats on time: its machine has too much to do, and others may take it for dead. */
export class HeartbeatWatch {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #observe: CoreObserver;
  readonly #sentAtMs = new Map<MemberId, number>();

  constructor(options: { tickMs: number }, ports: { clock: Clock; logger: Logger; observe: CoreObserver }) {
    this.#intervalMs = options.tickMs;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#observe = ports.observe;
  }

  /** Another member leads, or this one begins to. */
  reset(): void {
    this.#sentAtMs.clear();
  }

  /** A leader's messages are about to leave. */
  sending(envelopes: readonly Envelope[]): void {
    for (const { to, message } of envelopes) if (message.kind === "heartbeat") this.#sending(to);
  }

  #sending(to: MemberId): void {
    const nowMs = this.#clock.monotonicMs();
    const sentAtMs = this.#sentAtMs.get(to);
    this.#sentAtMs.set(to, nowMs);
    const lateMs = sentAtMs === undefined ? 0 : nowMs - sentAtMs - 2 * this.#intervalMs;
    if (lateMs <= 0) return;
    this.#observe.heartbeatLate();
    this.#logger.warn(
      "leader failed to send out heartbeat on time; took too long, leader is overloaded likely from slow disk",
      {
        to: to.toString(16),
        "heartbeat-interval": `${this.#intervalMs}ms`,
        "expected-duration": `${2 * this.#intervalMs}ms`,
        "exceeded-duration": `${lateMs.toFixed(3)}ms`,
      },
    );
  }
}
