import type { Clock, PeerNetwork, Timer } from "@quorate/common";
import type { RaftInput, RaftNode } from "@quorate/raft";
import type { MemberState } from "./member-state.js";

/** How often, and for how long, a starting member looks who is there, in milliseconds. */
const lookEveryMs = 50;
const lookForMs = 5000;
/** Ticks that are left for a leader there may be to make itself known. */
const ticksLeft = 2;

/**
 * The first election timeout of a member that starts is there for its peers to come. When as many are as an election needs, most of it is skipped.
 * @see etcd 3.7.1, adjustTicks; there it takes two peers.
 */
export class FirstElection {
  readonly #parts: Readonly<{ state: MemberState; raft: RaftNode; push(inputs: readonly RaftInput[]): void }>;
  readonly #options: Readonly<{ electionTicks: number; advancesFirstElection?: boolean | undefined }>;
  readonly #clock: Clock;
  readonly #network: PeerNetwork | undefined;
  #timer: Timer | undefined;
  #leftMs = lookForMs;

  constructor(
    parts: Readonly<{ state: MemberState; raft: RaftNode; push(inputs: readonly RaftInput[]): void }>,
    options: Readonly<{ electionTicks: number; advancesFirstElection?: boolean | undefined }>,
    ports: { clock: Clock; network?: PeerNetwork | undefined },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#clock = ports.clock;
    this.#network = ports.network;
  }

  start(): void {
    if (this.#options.advancesFirstElection === true && this.#network !== undefined) this.#lookLater();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #lookLater(): void {
    this.#timer = this.#clock.after(lookEveryMs, () => this.#look());
  }

  #look(): void {
    const { state, raft, push } = this.#parts;
    this.#leftMs -= lookEveryMs;
    if (raft.leader !== undefined || this.#leftMs < 0) return;
    const { voters } = raft.confState;
    const present = voters.filter((id) => id === state.member || this.#network?.status(id)?.isConnected === true);
    if (voters.length < 2 || present.length < Math.floor(voters.length / 2) + 1) return this.#lookLater();
    const ticks = this.#options.electionTicks - ticksLeft;
    push(Array.from({ length: Math.max(0, ticks) }, () => ({ kind: "tick" })));
  }
}
