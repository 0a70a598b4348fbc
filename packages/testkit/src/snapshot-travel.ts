import type { SnapshotSink, SnapshotSource } from "@quorate/common";

/** The way between two members as one snapshot sees it. */
export interface SnapshotRoute {
  isOpen(): boolean;
  /** True when the stream breaks here, although the way is open. */
  breaks(): boolean;
  /** Runs it after the time that a piece travels. */
  travel(run: () => void): void;
  atSender(run: () => void): void;
  /** The process that listens at the other end now, or undefined when there is none. */
  receiver(): SnapshotArrival | undefined;
  delivered(): void;
}

/** One process at the receiving end. What is meant for it never reaches the one that follows it. */
export interface SnapshotArrival {
  isGone(): boolean;
  run(run: () => void): void;
  begin(header: Uint8Array, sizeBytes: number): SnapshotSink | undefined;
}

type Attempt = Readonly<{ arrival: SnapshotArrival; sink: SnapshotSink; chunks: AsyncIterator<Uint8Array> }>;

const attemptsMax = 3;

/** One snapshot on its way: chunk by chunk, with a new attempt after a break that goes on where the last one ended. */
export class SnapshotTravel {
  readonly #snapshot: SnapshotSource;
  readonly #route: SnapshotRoute;
  readonly #done: (isDelivered: boolean) => void;
  #attempts = 0;

  constructor(snapshot: SnapshotSource, route: SnapshotRoute, done: (isDelivered: boolean) => void) {
    this.#snapshot = snapshot;
    this.#route = route;
    this.#done = done;
  }

  start(): void {
    this.#route.travel(() => this.#attempt());
  }

  #attempt(): void {
    this.#attempts += 1;
    const arrival = this.#route.receiver();
    if (arrival === undefined || !this.#route.isOpen()) return this.#broken();
    const { header, sizeBytes } = this.#snapshot;
    arrival.run(() => {
      const sink = arrival.begin(header, sizeBytes);
      if (sink === undefined) return this.#end(false);
      const chunks = this.#snapshot.chunks(sink.receivedBytes)[Symbol.asyncIterator]();
      this.#next({ arrival, sink, chunks });
    });
  }

  #next(attempt: Attempt): void {
    this.#route.atSender(() => {
      attempt.chunks.next().then(
        (piece) => this.#route.travel(() => this.#arrive(attempt, piece.done === true ? undefined : piece.value)),
        () => this.#abort(attempt),
      );
    });
  }

  #arrive(attempt: Attempt, chunk: Uint8Array | undefined): void {
    const { arrival, sink } = attempt;
    if (arrival.isGone() || !this.#route.isOpen() || this.#route.breaks()) return this.#abort(attempt);
    arrival.run(() => {
      const work = chunk === undefined ? sink.finish() : sink.write(new Uint8Array(chunk));
      work.then(
        () => {
          if (chunk !== undefined) return this.#next(attempt);
          this.#route.delivered();
          this.#route.travel(() => this.#end(this.#route.isOpen()));
        },
        () => this.#abort(attempt),
      );
    });
  }

  #abort({ arrival, sink, chunks }: Attempt): void {
    void chunks.return?.();
    arrival.run(() => sink.abort());
    this.#broken();
  }

  #broken(): void {
    if (this.#attempts >= attemptsMax) return this.#end(false);
    this.#route.travel(() => this.#attempt());
  }

  #end(isDelivered: boolean): void {
    this.#route.travel(() => {
      this.#route.atSender(() => {
        this.#snapshot.close();
        this.#done(isDelivered);
      });
    });
  }
}
