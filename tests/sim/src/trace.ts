import { createHash } from "node:crypto";

/** What happened in a run, line by line. The hash of all lines says whether two runs were the same to the byte. */
export class Trace {
  readonly #hash = createHash("sha256");
  readonly #keep: ((line: string) => void) | undefined;
  #lines = 0;

  /** @param keep gets each line that people may want to read. */
  constructor(keep?: (line: string) => void) {
    this.#keep = keep;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Notes an event. The time is in milliseconds. */
  note(atMs: number, text: string): void {
    this.#lines += 1;
    const line = `${atMs.toFixed(3)} ${text}`;
    this.#hash.update(`${line}\n`);
    this.#keep?.(line);
  }

  /** Notes bytes, without a line to read. */
  bytes(atMs: number, head: string, bytes: Uint8Array): void {
    this.#hash.update(`${atMs.toFixed(3)} ${head} ${bytes.length} `).update(bytes);
  }

  /** Hexadecimal. Ends the trace. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}
