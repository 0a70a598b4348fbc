import type { StreamHost } from "../http2/stream.js";

const firstBytes = 1024;

/** Body bytes that came while nobody read, in a row: many small pieces must not cost more than their bytes. Counted as held. */
export class UnreadBody {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  private readonly host: StreamHost;

  constructor(host: StreamHost) {
    this.host = host;
  }

  /** @returns false when that is over the bound of held bytes; nothing is kept then. */
  append(bytes: Buffer, start: number, end: number): boolean {
    const size = end - start;
    if (!this.host.hold(size)) {
      this.host.hold(-size);
      return false;
    }
    if (this.end + size > this.bytes.length) this.makeRoom(size);
    bytes.copy(this.bytes, this.end, start, end);
    this.end += size;
    return true;
  }

  /** The first `size` bytes have been read. */
  advance(size: number): void {
    this.start += size;
    this.host.hold(-size);
  }

  /** Lets go of all that is left. */
  drop(): void {
    this.host.hold(this.start - this.end);
    this.start = this.end;
    this.bytes = Buffer.alloc(0);
  }

  private makeRoom(size: number): void {
    const length = this.end - this.start;
    const grown = Buffer.allocUnsafeSlow(Math.max(firstBytes, 2 * (length + size)));
    this.bytes.copy(grown, 0, this.start, this.end);
    this.bytes = grown;
    this.start = 0;
    this.end = length;
  }
}
