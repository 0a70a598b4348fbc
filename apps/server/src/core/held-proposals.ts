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
 * Proposals that came while nobody led, while a leader was handing over, or while there was no link to it. As in etcd they wait for a leader as long as their
 * caller does: most elections are over sooner.
 */
export class HeldProposals {
  readonly #clock: Clock;
  readonly #waitMs: number;
  #held: Held[] = [];
  #bytes = 0;
  /** When what is proposed with these bytes is forgotten. */
  readonly #until = new WeakMap<Uint8Array, number>();

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
    const untilMs = this.#untilOf(input);
    if (untilMs <= this.#clock.monotonicMs()) return true; // nobody waits for it any more
    this.#held.push({ input, bytes, untilMs });
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

  /** A proposal may be tried and held again several times; its time counts from the first. */
  #untilOf(input: HeldInput): number {
    if (input.kind === "propose-conf-change") return Number.POSITIVE_INFINITY;
    const data = firstDataOf(input);
    const known = data && this.#until.get(data);
    const untilMs = known ?? this.#clock.monotonicMs() + this.#waitMs + graceMs;
    if (data !== undefined) this.#until.set(data, untilMs);
    return untilMs;
  }

  /** What another member passed on, or this one proposed of its own accord, has nobody here to give it up. */
  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#held.some(({ untilMs }) => untilMs <= nowMs)) return;
    this.#held = this.#held.filter(({ untilMs }) => untilMs > nowMs);
    this.#bytes = this.#held.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

/** The bytes of a proposal stay the same, whatever they are wrapped in. */
function firstDataOf(input: Exclude<HeldInput, { kind: "propose-conf-change" }>): Uint8Array | undefined {
  if (input.kind === "propose") return input.data;
  return input.message.kind === "propose" ? input.message.entries[0]?.data : undefined;
}

function bytesOf(input: HeldInput): number {
  if (input.kind === "propose") return input.data.length;
  if (input.kind === "propose-conf-change") return input.change.context.length;
  if (input.message.kind !== "propose") return 0;
  return input.message.entries.reduce((bytes: number, entry: ProposedEntry) => bytes + entry.data.length, 0);
}
