import { type Clock, type MemberId, PeerError, type PeerNetwork, type PeerReceiver } from "@quorate/common";
import type { SimulatedRandom } from "./simulated-random.js";

/** How bad the network is. Chances are from 0 to 1. */
export type NetworkFaults = Readonly<{
  dropChance: number;
  repeatChance: number;
  /** A frame travels for a time in between, so frames overtake each other. */
  delayMsMin: number;
  delayMsMax: number;
}>;

/** A good network: nothing is lost, every frame takes a millisecond. */
export const calmNetwork: NetworkFaults = { dropChance: 0, repeatChance: 0, delayMsMin: 1, delayMsMax: 1 };

type Receiver = { current: PeerReceiver | undefined };

/** The network between simulated members. It drops, delays, repeats and reorders frames; the seed decides. */
export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #random: SimulatedRandom;
  readonly #receivers = new Map<MemberId, Receiver>();
  readonly #groups = new Map<MemberId, number>();
  readonly #cut = new Set<string>();
  #faults: NetworkFaults;
  #sent = 0;
  #delivered = 0;

  constructor(faults: NetworkFaults, ports: { clock: Clock; random: SimulatedRandom }) {
    this.#faults = faults;
    this.#clock = ports.clock;
    this.#random = ports.random;
  }

  /** Frames handed over and frames that arrived (a repeated one twice). */
  get counts(): Readonly<{ sent: number; delivered: number }> {
    return { sent: this.#sent, delivered: this.#delivered };
  }

  /** The network as that member sees it. A member that restarts joins again: frames then go to the new one only. */
  join(member: MemberId): PeerNetwork {
    const receiver: Receiver = { current: undefined };
    this.#receivers.set(member, receiver);
    return {
      setPeers: () => {},
      send: (to, parts) => {
        this.#send(member, to, Buffer.concat(parts));
        return true;
      },
      sendSnapshot: (_, snapshot, done) => {
        snapshot.close();
        this.#clock.after(0, () => done(false));
      },
      ask: (to) => Promise.reject(new PeerError({ code: "peer/unknown", member: to })),
      receive: (next) => {
        receiver.current = next;
      },
      status: () => undefined,
    };
  }

  /** The member is gone; frames to it are lost, also those on the way. */
  leave(member: MemberId): void {
    this.#receivers.delete(member);
  }

  setFaults(faults: NetworkFaults): void {
    this.#faults = faults;
  }

  /** Only members of one group reach each other; who is in none forms a group with the others that are in none. */
  partition(groups: readonly (readonly MemberId[])[]): void {
    this.#groups.clear();
    for (const [number, group] of groups.entries()) for (const member of group) this.#groups.set(member, number + 1);
  }

  /** Cuts one direction only. */
  cut(from: MemberId, to: MemberId): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** Everybody reaches everybody again; the faults stay as set. */
  heal(): void {
    this.#groups.clear();
    this.#cut.clear();
  }

  #send(from: MemberId, to: MemberId, frame: Uint8Array): void {
    this.#sent += 1;
    const { dropChance, repeatChance, delayMsMin, delayMsMax } = this.#faults;
    const isDropped = this.#random.chance(dropChance);
    const copies = this.#random.chance(repeatChance) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = delayMsMin + this.#random.fraction() * (delayMsMax - delayMsMin);
      if (!isDropped) this.#clock.after(delayMs, () => this.#deliver(from, to, frame));
    }
  }

  #deliver(from: MemberId, to: MemberId, frame: Uint8Array): void {
    // Looked at on arrival: what was on the way when the link broke is lost too.
    const isApart = (this.#groups.get(from) ?? 0) !== (this.#groups.get(to) ?? 0);
    const receiver = this.#receivers.get(to);
    if (isApart || this.#cut.has(`${from}>${to}`) || receiver === undefined) return;
    this.#delivered += 1;
    receiver.current?.message(from, frame);
  }
}
