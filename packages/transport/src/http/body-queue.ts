/** Who fills a `BodyQueue`. */
export interface BodySource {
  /** The reader wants bytes and none are there. Called again for each such want. */
  wanted(): void;
  /** The reader has taken, or thrown away, a chunk of `bytes`. */
  taken(bytes: number): void;
}

/** A request body on its way to a handler: chunks wait here until they are read, so the source knows what really was. */
export class BodyQueue {
  readonly stream: ReadableStream<Uint8Array>;
  private readonly source: BodySource;
  private readonly chunks: Uint8Array[] = [];
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  private isWanted = false;
  private isEnded = false;
  private isCancelled = false;

  constructor(source: BodySource) {
    this.source = source;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.controller = controller;
        },
        pull: () => this.pull(),
        cancel: () => this.cancel(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Bytes that wait to be read are held by the source until `taken`. */
  push(chunk: Uint8Array): void {
    if (this.isEnded) return;
    if (this.isCancelled) return this.source.taken(chunk.length);
    this.chunks.push(chunk);
    if (this.isWanted) this.deliver();
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (this.chunks.length === 0 && !this.isCancelled) this.controller?.close();
  }

  fail(error: Error): void {
    if (this.isCancelled || (this.isEnded && this.chunks.length === 0)) return;
    this.isEnded = true;
    this.isCancelled = true;
    this.discard();
    this.controller?.error(error);
  }

  private pull(): void {
    this.isWanted = true;
    if (this.chunks.length > 0) this.deliver();
    else this.source.wanted();
  }

  private deliver(): void {
    this.isWanted = false;
    const chunk = this.chunks.shift() as Uint8Array;
    this.controller?.enqueue(chunk);
    if (this.isEnded && this.chunks.length === 0) this.controller?.close();
    this.source.taken(chunk.length);
  }

  private cancel(): void {
    this.isCancelled = true;
    this.discard();
  }

  private discard(): void {
    for (const chunk of this.chunks.splice(0)) this.source.taken(chunk.length);
  }
}
