import { WatchRequest } from "@quorate/proto";
import type { GrpcServices, StreamCall } from "@quorate/transport";
import { streamChunks } from "./chunk-stream.js";
import { decodeRequest, type Front } from "./front.js";

/** Bytes that must have left before the core is told. Far below the core's bound, so that it never waits for news it will not get. */
const reportBytes = 262_144;

/** The watch service: carries requests to the core and answers back, in order. */
export function registerWatch(services: GrpcServices, front: Front): void {
  services.bidi("/etcdserverpb.Watch/Watch", (call) => new WatchStream(front, call));
}

class WatchStream {
  readonly #front: Front;
  readonly #call: StreamCall;
  readonly #stream: number;
  #unreported = 0;
  #isFull = false;

  constructor(front: Front, call: StreamCall) {
    this.#front = front;
    this.#call = call;
    this.#stream = front.serial.next();
    front.openWatch(this.#stream, {
      message: (parts) => this.#send(parts),
      end: (fault) => streamChunks.fail(call, fault),
    });
    front.leaderStreams.join(call, (fault) => {
      front.closeWatch(this.#stream);
      streamChunks.fail(call, fault);
    });
    call.onMessage((message) => this.#take(message));
    // Events go on after the client has ended its side: only the end of the call ends the watchers.
    call.onCancel(() => front.closeWatch(this.#stream));
  }

  #take(message: Uint8Array): void {
    // Decoded here only to refuse what is malformed; the core reads the bytes again.
    if (decodeRequest(this.#call, WatchRequest, message) === undefined) return this.#front.closeWatch(this.#stream);
    const trace = this.#call.span?.spanContext();
    this.#front.link.send({ kind: "watch-request", stream: this.#stream, request: message.slice(), trace });
  }

  #send(parts: readonly Uint8Array[]): void {
    if (this.#call.isOver) return;
    for (const part of parts) this.#unreported += part.length;
    const hasRoom = this.#call.sendParts(parts);
    if (this.#isFull) return;
    if (hasRoom) {
      if (this.#unreported >= reportBytes) this.#report();
      return;
    }
    // Who does not read answers may not ask for more of them: they would pile up here. etcd's streams block the same way.
    this.#isFull = true;
    this.#call.pauseReading();
    this.#call.onDrain(() => {
      this.#isFull = false;
      this.#call.resumeReading();
      this.#report();
    });
  }

  #report(): void {
    const bytes = this.#unreported;
    this.#unreported = 0;
    this.#front.link.send({ kind: "watch-drained", stream: this.#stream, bytes });
  }
}
