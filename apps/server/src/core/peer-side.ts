import { assert } from "@quorate/common";
import type { Envelope, RaftNode } from "@quorate/raft";
import type { CoreOptions, CorePorts } from "./core-options.js";
import { FirstElection } from "./first-election.js";
import type { MemberState } from "./member-state.js";
import { type MailParts, PeerMail } from "./peer-mail.js";
import { PeerQuestions } from "./peer-questions.js";

/** The side of a core that faces the other members. Without a network there are none. */
export class PeerSide {
  /** What other members may ask this one. */
  readonly questions = new PeerQuestions();
  readonly #state: MemberState;
  readonly #ports: CorePorts;
  readonly #mail: PeerMail | undefined;
  readonly #firstElection: FirstElection;

  constructor(
    parts: { state: MemberState; raft: RaftNode } & Pick<MailParts, "push" | "unsent" | "snapshots">,
    options: CoreOptions,
    ports: CorePorts,
  ) {
    this.#state = parts.state;
    this.#firstElection = new FirstElection(parts, options, ports);
    this.#ports = ports;
    const { network, tracing: traces } = ports;
    const { member } = parts.state;
    const { questions } = this;
    this.#mail = network && new PeerMail({ ...parts, member, network, questions, traces }, ports);
  }

  /** Begins to speak with the others. */
  start(): void {
    this.membersChanged();
    this.#firstElection.start();
  }

  put(envelopes: readonly Envelope[]): void {
    assert(this.#mail !== undefined || envelopes.length === 0, "a lone member sends no messages");
    this.#mail?.put(envelopes);
  }

  flush(): void {
    this.#mail?.flush();
  }

  /** The members are others now, or elsewhere. */
  membersChanged(): void {
    const { network } = this.#ports;
    if (network === undefined) return;
    const others = this.#state.membership.known().filter(({ id }) => id !== this.#state.member);
    network.setPeers(others.map(({ id, peerURLs }) => ({ member: id, urls: peerURLs })));
  }

  stop(): void {
    this.#firstElection.stop();
    this.#mail?.stop();
  }
}
