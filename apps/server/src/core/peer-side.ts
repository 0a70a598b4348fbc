import { assert } from "@quorate/common";
import type { Envelope, RaftInput } from "@quorate/raft";
import type { CorePorts } from "./core-options.js";
import type { MemberState } from "./member-state.js";
import { PeerMail } from "./peer-mail.js";
import { PeerQuestions } from "./peer-questions.js";
import type { SnapshotCarrier } from "./snapshot-carrier.js";

/** The side of a core that faces the other members. Without a network there are none. */
export class PeerSide {
  /** What other members may ask this one. */
  readonly questions = new PeerQuestions();
  readonly #state: MemberState;
  readonly #ports: CorePorts;
  readonly #mail: PeerMail | undefined;

  constructor(
    parts: { state: MemberState; push(inputs: readonly RaftInput[]): void; snapshots: SnapshotCarrier },
    ports: CorePorts,
  ) {
    this.#state = parts.state;
    this.#ports = ports;
    const { network, tracing: traces } = ports;
    const { member } = parts.state;
    const { questions } = this;
    this.#mail = network && new PeerMail({ ...parts, member, network, questions, traces }, ports);
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
    this.#mail?.stop();
  }
}
