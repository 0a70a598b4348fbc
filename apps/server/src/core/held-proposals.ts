import type { Clock } from "@quorate/common";
import type { ProposedEntry, RaftInput } from "@quorate/raft";

/** Bytes that may wait for a leader; more are refused. */
const heldBytesMax = 67_108_864;
const overheadBytes = 128;
/** A caller gives its proposal up itself, a little after its time. */
const graceMs = 1000;

/** A proposal of this member, or one that another has passed on. */
export type HeldInput = Extract<RaftInput, { kind: "propose" | "propose-conf-change" | "message" }>;
type Held = Readonly<{ input: HeldInput; bytes: number; untilMs: number }>;

/**
 * Proposals that came while nobody led, or while a leader was handing over. As in etcd they wait for a leader as long as their caller does: most elections are
 * over sooner.
 */
export class HeldProposals {
  readonly #clock: Clock;
  readonly #waitMs: number;
  #held: Held[] = [];
  #bytes = 0;

  /** @param options how long a caller waits, in milliseconds. */
  constructor(options: { requestTimeoutMs: number }, ports: { clock: Clock }) {
    this.#waitMs = options.requestTimeoutMs;
    this.#clock = ports.clock;
  }

  get size(): number {
    return this.#held.length;
  }

  /** @returns false when too much waits already. */
  hold(input: HeldInput): boolean {
    const bytes = bytesOf(input) + overheadBytes;
    this.#forgetOld();
    if (this.#bytes + bytes > heldBytesMax) return false;
    this.#held.push({ input, bytes, untilMs: this.#clock.monotonicMs() + this.#waitMs + graceMs });
    this.#bytes += bytes;
    return true;
  }

  /** Somebody leads. @returns what waited, oldest first. */
  release(): readonly HeldInput[] {
    if (this.#held.length === 0) return [];
    this.#forgetOld();
    const inputs = this.#held.map(({ input }) => input);
    this.#held = [];
    this.#bytes = 0;
    return inputs;
  }

  /** The caller waits no longer: what it asked for will not happen. @returns false when it is not held. */
  giveUp(serial: number): boolean {
    const at = this.#held.findIndex(({ input }) => input.kind !== "message" && input.proposalId === serial);
    if (at < 0) return false;
    const [{ bytes }] = this.#held.splice(at, 1) as [Held];
    this.#bytes -= bytes;
    return true;
  }

  /** What another member passed on, or this one proposed of its own accord, has nobody here to give it up. */
  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#held.length === 0 || (this.#held[0] as Held).untilMs > nowMs) return;
    this.#held = this.#held.filter(({ input, untilMs }) => untilMs > nowMs || input.kind === "propose-conf-change");
    this.#bytes = this.#held.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

function bytesOf(input: HeldInput): number {
  if (input.kind === "propose") return input.data.length;
  if (input.kind === "propose-conf-change") return input.change.context.length;
  if (input.message.kind !== "propose") return 0;
  return input.message.entries.reduce((bytes: number, entry: ProposedEntry) => bytes + entry.data.length, 0);
}
