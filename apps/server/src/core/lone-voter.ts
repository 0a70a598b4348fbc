import type { MemberId } from "@quorate/common";
import type { RaftInput, RaftNode } from "@quorate/raft";
import type { Leadership } from "./leadership.js";

/** Who is the only voter need not wait for an election timeout. */
export class LoneVoter {
  readonly #parts: Readonly<{ member: MemberId; raft: RaftNode; leadership: Leadership; push(input: RaftInput): void }>;
  #isDue = false;

  constructor(
    parts: Readonly<{ member: MemberId; raft: RaftNode; leadership: Leadership; push(input: RaftInput): void }>,
  ) {
    this.#parts = parts;
  }

  /** A change of the members is being applied: a member does not campaign while one waits. */
  changed(): void {
    this.#isDue = true;
  }

  /** It is applied. */
  applied(): void {
    if (this.#isDue) this.campaign();
  }

  /** Leads at once, if this member is the only one that votes. */
  campaign(): void {
    this.#isDue = false;
    const { member, raft, leadership, push } = this.#parts;
    const { voters, votersOutgoing } = raft.confState;
    const isAlone = voters.length === 1 && votersOutgoing.length === 0 && voters[0] === member;
    if (isAlone && leadership.leader === undefined) push({ kind: "campaign" });
  }
}
