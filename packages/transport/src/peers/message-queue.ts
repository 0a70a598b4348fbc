import { batchHeadBytes, framedBytes, sealBatch, writeFrame } from "./batch.js";

type Bounds = Readonly<{ queueBytesMax: number; queueMessagesMax: number; batchBytesMax: number }>;

/** Messages that wait for one connection, bounded in bytes and in number, and taken out in batches. */
export class MessageQueue {
  private readonly bounds: Bounds;
  private messages: (readonly Uint8Array[])[] = [];
  private lengths: number[] = [];
  /** Place of the first message that has not been taken. */
  private first = 0;
  private waitingBytes = 0;

  constructor(bounds: Bounds) {
    this.bounds = bounds;
  }

  /** Bytes of the messages that wait. */
  get bytes(): number {
    return this.waitingBytes;
  }

  get length(): number {
    return this.messages.length - this.first;
  }

  /** @returns false when there is no room. */
  push(parts: readonly Uint8Array[], length: number): boolean {
    const { queueBytesMax, queueMessagesMax } = this.bounds;
    if (this.length >= queueMessagesMax || this.waitingBytes + length > queueBytesMax) return false;
    this.messages.push(parts);
    this.lengths.push(length);
    this.waitingBytes += length;
    return true;
  }

  /** The next messages in one piece of at most `batchBytesMax`, or a longer one alone; undefined when none waits. */
  takeBatch(): Buffer | undefined {
    const { messages, lengths, first } = this;
    if (first === messages.length) return undefined;
    let end = first;
    let size = batchHeadBytes;
    do size += framedBytes(lengths[end++] as number);
    while (end < messages.length && size + framedBytes(lengths[end] as number) <= this.bounds.batchBytesMax);
    const batch = Buffer.allocUnsafe(size);
    let at = batchHeadBytes;
    for (let place = first; place < end; place++) {
      const length = lengths[place] as number;
      at = writeFrame(batch, at, messages[place] as readonly Uint8Array[], length);
      this.waitingBytes -= length;
      messages[place] = [];
    }
    this.first = end;
    if (end === messages.length) this.clear();
    else if (end > 1024) this.dropTaken();
    return sealBatch(batch);
  }

  clear(): void {
    this.messages = [];
    this.lengths = [];
    this.first = 0;
    this.waitingBytes = 0;
  }

  private dropTaken(): void {
    this.messages = this.messages.slice(this.first);
    this.lengths = this.lengths.slice(this.first);
    this.first = 0;
  }
}
