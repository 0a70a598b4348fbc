import { encodeEntry } from "./entry-codec.js";
import type { RequestSerial } from "./request-serial.js";

/** Puts entries of the member itself into the log: expired leases, checkpoints, alarms, what it tells of itself. */
export class Proposer {
  readonly #serial: RequestSerial;
  readonly #propose: (entry: Uint8Array, serial: number) => void;

  constructor(serial: RequestSerial, propose: (entry: Uint8Array, serial: number) => void) {
    this.#serial = serial;
    this.#propose = propose;
  }

  /** @param field which request it is, a number of `EntryField`; `body` is the encoded request. Nobody waits for the answer. */
  propose(field: number, body: Uint8Array): void {
    const id = this.#serial.nextId();
    this.#propose(encodeEntry(field, body, id), id.serial);
  }
}
