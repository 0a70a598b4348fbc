import { StatusCode } from "@quorate/client";

const prefixBytes = 5;

/** Cuts a stream of bytes into gRPC's messages: one byte of flags, four of length, the message. */
export class MessageReader {
  readonly #bytesMax: number;
  readonly #onMessage: (message: Uint8Array) => void;
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes that are needed before anything can be done. */
  #wanted = prefixBytes;

  constructor(bytesMax: number, onMessage: (message: Uint8Array) => void) {
    this.#bytesMax = bytesMax;
    this.#onMessage = onMessage;
  }

  /** Nothing of a message is waiting for its rest. */
  get isEmpty(): boolean {
    return this.#held === 0;
  }

  /** @returns why the stream cannot be read any further. */
  push(chunk: Buffer): { status: number; message: string } | undefined {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= this.#wanted) {
      const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#held);
      this.#chunks = [bytes];
      const length = bytes.readUInt32BE(1);
      if (bytes[0] !== 0)
        return { status: StatusCode.Internal, message: "the answer is compressed, which was not asked for" };
      if (length > this.#bytesMax) {
        const message = `grpc: received message larger than max (${length} vs. ${this.#bytesMax})`;
        return { status: StatusCode.ResourceExhausted, message };
      }
      this.#wanted = prefixBytes + length;
      if (bytes.length < this.#wanted) return undefined;
      const rest = bytes.subarray(this.#wanted);
      this.#onMessage(bytes.subarray(prefixBytes, this.#wanted));
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#held = rest.length;
      this.#wanted = prefixBytes;
    }
    return undefined;
  }
}
