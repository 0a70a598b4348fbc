import { assert, type PeerAddress, type PeerNetwork, type Timer } from "@quorate/common";
import type { Envelope, RaftNode } from "@quorate/raft";
import type { CoreOptions, CorePorts } from "./core-options.js";
import { FirstElection } from "./first-election.js";
import type { MemberState } from "./member-state.js";
import { type MailParts, PeerMail } from "./peer-mail.js";
import { PeerQuestions } from "./peer-questions.js";

/** How long a link to a member outlives its removal. */
const partingMs = 500;

/** The side of a core that faces the other members. Without a network there are none. */
export class PeerSide {
  /** What other members may ask this one. */
  readonly questions = new PeerQuestions();
  readonly #state: MemberState;
  readonly #ports: CorePorts;
  readonly #mail: PeerMail | undefined;
  readonly #firstElection: FirstElection;
  #peers: readonly PeerAddress[] = [];
  #partings: Timer | undefined;

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

  /** The members are others now, or elsewhere. Who was removed is spoken with for a little longer: it is to learn of it, and may have to hand over. */
  membersChanged(): void {
    const { network, clock } = this.#ports;
    if (network === undefined) return;
    const others = this.#state.membership.known().filter(({ id }) => id !== this.#state.member);
    const peers = others.map(({ id, peerURLs }): PeerAddress => ({ member: id, urls: peerURLs }));
    const leaving = this.#peers.filter(({ member }) => this.#state.membership.isRemoved(member));
    this.#peers = peers;
    this.#partings?.cancel();
    this.#speakWith(network, leaving);
    if (leaving.length > 0) this.#partings = clock.after(partingMs, () => this.#speakWith(network, []));
  }

  #speakWith(network: PeerNetwork, leaving: readonly PeerAddress[]): void {
    this.#state.membership.part(leaving.map(({ member }) => member));
    network.setPeers([...this.#peers, ...leaving]);
  }

  stop(): void {
    this.#partings?.cancel();
    this.#firstElection.stop();
    this.#mail?.stop();
  }
}
