import type { Clock, Timer } from "@quorate/common";
import type { StreamCall } from "@quorate/transport";
import type { Fault } from "../public-errors.js";

/** Looks in a row that find no leader before streams are ended: to open them again costs far more than to refuse a new call. */
const looksMax = 3;

type Stream = { readonly call: Pick<StreamCall, "isOver">; end(fault: Fault): void };

/** Streams whose clients insist on a leader: they are ended when the member has known none for three election timeouts, as in etcd. */
export class LeaderStreams {
  readonly #hasLeader: () => boolean;
  readonly #electionMs: number;
  readonly #clock: Clock;
  #streams: Stream[] = [];
  #looksWithout = 0;
  #timer: Timer | undefined;

  constructor(hasLeader: () => boolean, options: { electionMs: number }, ports: { clock: Clock }) {
    this.#hasLeader = hasLeader;
    this.#electionMs = options.electionMs;
    this.#clock = ports.clock;
    this.#lookLater();
  }

  /** A stream has begun. @param end ends it, and what belongs to it. */
  join(call: Pick<StreamCall, "isOver" | "metadata">, end: (fault: Fault) => void): void {
    if (call.metadata.get("hasleader") === "true") this.#streams.push({ call, end });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#streams = [];
  }

  #lookLater(): void {
    this.#timer = this.#clock.after(this.#electionMs, () => {
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    this.#looksWithout = this.#hasLeader() ? 0 : this.#looksWithout + 1;
    const running = this.#streams.filter(({ call }) => !call.isOver);
    this.#streams = this.#looksWithout === looksMax ? [] : running;
    if (this.#looksWithout === looksMax) for (const { end } of running) end({ code: "server/no-leader" });
  }
}
