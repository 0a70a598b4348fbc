import type { MemberId } from "./brand.js";

/** Messages between members. May drop, delay, repeat and reorder them; never throws and never waits. */
export interface PeerNetwork {
  /** Hands a message over. `frame` is not changed by either side afterwards. */
  send(to: MemberId, frame: Uint8Array): void;
  /** Says who gets the messages that arrive. The last caller counts. */
  receive(handle: (from: MemberId, frame: Uint8Array) => void): void;
}
