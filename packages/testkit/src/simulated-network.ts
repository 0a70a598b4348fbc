import {
  type Clock,
  type MemberId,
  type PeerAddress,
  PeerError,
  type PeerNetwork,
  type PeerReceiver,
  type PeerStatus,
  type SnapshotSource,
} from "@quorate/common";
import type { SimulatedRandom } from "./simulated-random.js";
import { type SnapshotRoute, SnapshotTravel } from "./snapshot-travel.js";

/** How bad the network is. Chances are from 0 to 1. */
export type NetworkFaults = Readonly<{
  dropChance: number;
  repeatChance: number;
  /** A frame travels for a time in between, so frames overtake each other. */
  delayMsMin: number;
  delayMsMax: number;
  /** So many frames (none when absent) are held up on the way and arrive up to `lateMs` later. */
  lateChance?: number;
  lateMs?: number;
  /** How often the stream of a snapshot breaks, per chunk. Never when absent. */
  breakChance?: number;
}>;

/** A good network: nothing is lost, every frame takes a millisecond. */
export const calmNetwork: NetworkFaults = { dropChance: 0, repeatChance: 0, delayMsMin: 1, delayMsMax: 1 };

/** What a member does with what arrives: run it, or, while it is held up, keep it for later. */
export type ArrivalGate = (run: () => void) => void;

type End = {
  readonly member: MemberId;
  readonly gate: ArrivalGate;
  receiver: PeerReceiver | undefined;
  peers: ReadonlySet<MemberId>;
  /** Who has spoken to it: it may answer them, as the real network answers on their own streams. */
  readonly callers: Set<MemberId>;
  isGone: boolean;
};

/** The network between simulated members. It drops, delays, repeats and reorders frames, and breaks links and streams; the seed decides. */
export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #random: SimulatedRandom;
  readonly #ends = new Map<MemberId, End>();
  readonly #groups = new Map<MemberId, number>();
  readonly #cut = new Set<string>();
  #faults: NetworkFaults;
  #sent = 0;
  #delivered = 0;
  #snapshots = 0;

  constructor(faults: NetworkFaults, ports: { clock: Clock; random: SimulatedRandom }) {
    this.#faults = faults;
    this.#clock = ports.clock;
    this.#random = ports.random;
  }

  /** Frames handed over, frames that arrived (a repeated one twice), and snapshots that arrived whole. */
  get counts(): Readonly<{ sent: number; delivered: number; snapshots: number }> {
    return { sent: this.#sent, delivered: this.#delivered, snapshots: this.#snapshots };
  }

  /**
   * The network as that member sees it. A member that restarts joins again: frames then go to the new one only, and what the old one still sends
   * goes nowhere. A member speaks only to the peers it has named, and answers those who have spoken to it.
   */
  join(member: MemberId, gate: ArrivalGate = (run) => run()): PeerNetwork {
    this.leave(member);
    const end: End = { member, gate, receiver: undefined, peers: new Set(), callers: new Set(), isGone: false };
    this.#ends.set(member, end);
    return {
      setPeers: (peers: readonly PeerAddress[]) => {
        end.peers = new Set(peers.map((peer) => peer.member));
      },
      send: (to, parts) => this.#send(end, to, parts),
      sendSnapshot: (to, snapshot, done) => this.#sendSnapshot(end, to, snapshot, done),
      ask: (to, question, { timeoutMs }) => this.#ask(end, { to, question, timeoutMs }),
      receive: (next) => {
        end.receiver = next;
      },
      status: (to) => (end.peers.has(to) ? this.#status(member, to) : undefined),
    };
  }

  /** The member is gone; frames to it are lost, also those on the way, and its peers hear of it. */
  leave(member: MemberId): void {
    const end = this.#ends.get(member);
    if (end === undefined) return;
    end.isGone = true;
    this.#ends.delete(member);
    this.#reportLosses((_, to) => to === member);
  }

  setFaults(faults: NetworkFaults): void {
    this.#faults = faults;
  }

  /** Only members of one group reach each other; who is in none forms a group with the others that are in none. */
  partition(groups: readonly (readonly MemberId[])[]): void {
    const before = new Map(this.#groups);
    this.#groups.clear();
    for (const [number, group] of groups.entries()) for (const member of group) this.#groups.set(member, number + 1);
    const wasTogether = (a: MemberId, b: MemberId): boolean => (before.get(a) ?? 0) === (before.get(b) ?? 0);
    this.#reportLosses((from, to) => wasTogether(from, to) && this.#isApart(from, to));
  }

  /** Cuts one direction only. */
  cut(from: MemberId, to: MemberId): void {
    if (this.#cut.has(`${from}>${to}`)) return;
    this.#cut.add(`${from}>${to}`);
    this.#reportLosses((sender, receiver) => sender === from && receiver === to);
  }

  /** Everybody reaches everybody again; the faults stay as set. */
  heal(): void {
    this.#groups.clear();
    this.#cut.clear();
  }

  /** True when nothing gets from one to the other. */
  isCut(from: MemberId, to: MemberId): boolean {
    return this.#isApart(from, to) || this.#cut.has(`${from}>${to}`);
  }

  #send(end: End, to: MemberId, parts: readonly Uint8Array[]): boolean {
    if (end.isGone || !(end.peers.has(to) || end.callers.has(to))) return false;
    this.#sent += 1;
    const frame = Buffer.concat(parts);
    const { dropChance, repeatChance } = this.#faults;
    const isDropped = this.#random.chance(dropChance);
    const copies = this.#random.chance(repeatChance) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = this.#delayMs();
      if (!isDropped) this.#clock.after(delayMs, () => this.#deliver(end.member, to, frame));
    }
    return true;
  }

  #delayMs(): number {
    const { delayMsMin, delayMsMax, lateChance = 0, lateMs = 0 } = this.#faults;
    const delayMs = delayMsMin + this.#random.fraction() * (delayMsMax - delayMsMin);
    return this.#random.chance(lateChance) ? delayMs + this.#random.fraction() * lateMs : delayMs;
  }

  #deliver(from: MemberId, to: MemberId, frame: Uint8Array): void {
    // Looked at on arrival: what was on the way when the link broke is lost too.
    const end = this.#ends.get(to);
    if (this.isCut(from, to) || end === undefined) return;
    end.gate(() => {
      if (end.isGone) return;
      this.#delivered += 1;
      end.callers.add(from);
      // A receiver has the frame during the call only, so it must not find it afterwards.
      const lent = new Uint8Array(frame);
      end.receiver?.message(from, lent);
      lent.fill(0xee);
    });
  }

  /** Who had a link that is broken now hears of it, a little later. */
  #reportLosses(isBroken: (from: MemberId, to: MemberId) => boolean): void {
    for (const end of this.#ends.values()) {
      for (const peer of end.peers) {
        if (!isBroken(end.member, peer)) continue;
        this.#clock.after(this.#delayMs(), () => this.#tell(end, () => end.receiver?.linkLost(peer)));
      }
    }
  }

  #tell(end: End, run: () => void): void {
    end.gate(() => {
      if (!end.isGone) run();
    });
  }

  #sendSnapshot(end: End, to: MemberId, snapshot: SnapshotSource, done: (isDelivered: boolean) => void): void {
    const route: SnapshotRoute = {
      isOpen: () => !end.isGone && !this.isCut(end.member, to),
      breaks: () => this.#random.chance(this.#faults.breakChance ?? 0),
      travel: (run) => void this.#clock.after(this.#delayMs(), run),
      atSender: (run) => this.#tell(end, run),
      receiver: () => {
        const receiving = this.#ends.get(to);
        if (receiving === undefined) return undefined;
        return {
          isGone: () => receiving.isGone,
          run: (run) => this.#tell(receiving, run),
          begin: (header, sizeBytes) => receiving.receiver?.snapshot(end.member, header, sizeBytes),
        };
      },
      delivered: () => {
        this.#snapshots += 1;
      },
    };
    if (end.peers.has(to)) {
      new SnapshotTravel(snapshot, route, done).start();
      return;
    }
    this.#clock.after(0, () => {
      snapshot.close();
      done(false);
    });
  }

  #ask(
    end: End,
    { to, question, timeoutMs }: { to: MemberId; question: Uint8Array; timeoutMs: number },
  ): Promise<Uint8Array> {
    if (!end.peers.has(to)) return Promise.reject(new PeerError({ code: "peer/unknown", member: to }));
    return new Promise((resolve, reject) => {
      const fail = (error: PeerError): void => this.#tell(end, () => reject(error));
      const timer = this.#clock.after(timeoutMs, () => fail(new PeerError({ code: "peer/timeout", member: to })));
      const carry = (run: () => void): void => {
        const isLost = this.#random.chance(this.#faults.dropChance);
        const delayMs = this.#delayMs();
        if (!isLost) this.#clock.after(delayMs, run);
      };
      const answered = (run: () => void): void => {
        carry(() => {
          if (this.isCut(to, end.member)) return;
          timer.cancel();
          this.#tell(end, run);
        });
      };
      carry(() => {
        const asked = this.#ends.get(to);
        if (asked?.receiver === undefined || this.isCut(end.member, to)) {
          timer.cancel();
          fail(new PeerError({ code: "peer/unreachable", member: to, reason: "no link" }));
          return;
        }
        const { receiver } = asked;
        this.#tell(asked, () => {
          receiver.answer(end.member, question).then(
            (answer) => answered(() => resolve(answer)),
            (error: unknown) => {
              const reason = error instanceof Error ? error.message : String(error);
              answered(() => reject(new PeerError({ code: "peer/refused", member: to, reason })));
            },
          );
        });
      });
    });
  }

  #status(from: MemberId, to: MemberId): PeerStatus {
    const isConnected = this.#ends.has(to) && !this.isCut(from, to) && !this.isCut(to, from);
    return {
      isConnected,
      activeSinceMs: isConnected ? 0 : undefined,
      roundTripMs: isConnected ? 2 : undefined,
      clockDifferenceMs: isConnected ? 0 : undefined,
    };
  }

  #isApart(from: MemberId, to: MemberId): boolean {
    return (this.#groups.get(from) ?? 0) !== (this.#groups.get(to) ?? 0);
  }
}
