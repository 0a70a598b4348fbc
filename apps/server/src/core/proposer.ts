import type { Span } from "@quorate/common";
import { encodeEntry } from "./entry-codec.js";
import type { RequestSerial } from "./request-serial.js";

/** Puts entries of the member itself into the log: expired leases, checkpoints, alarms, what it tells of itself. */
export class Proposer {
  readonly #serial: RequestSerial;
  readonly #propose: (entry: Uint8Array, serial: number, root: Span | undefined) => void;

  constructor(serial: RequestSerial, propose: (entry: Uint8Array, serial: number, root: Span | undefined) => void) {
    this.#serial = serial;
    this.#propose = propose;
  }

  /**
   * Nobody waits for the answer.
   * @param field which request it is, a number of `EntryField`; `body` is the encoded request; `root` a span that is to end when it is applied.
   */
  propose(field: number, body: Uint8Array, root?: Span): void {
    const id = this.#serial.nextId();
    this.#propose(encodeEntry(field, body, id), id.serial, root);
  }
}
