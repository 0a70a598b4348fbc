import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type ExportedSpan, readSpans } from "./otlp-reader.js";

const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const bytes = (value: Buffer): Buffer => value;

/** Takes spans by OTLP over gRPC and keeps them. */
export class SpanCollector implements Disposable {
  readonly spans: ExportedSpan[] = [];
  readonly #server = new Server();
  #port = 0;
  #told: () => void = () => {};

  static async start(): Promise<SpanCollector> {
    const collector = new SpanCollector();
    await collector.#listen();
    return collector;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Waits until the spans are complete, or for so long that they will not be. What is missing is for the test to say. */
  async waitFor(isComplete: (spans: readonly ExportedSpan[]) => boolean, withinMs = 60_000): Promise<void> {
    const until = performance.now() + withinMs;
    while (!isComplete(this.spans) && performance.now() < until) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, until - performance.now());
        this.#told = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  [Symbol.dispose](): void {
    this.#server.forceShutdown();
  }

  async #listen(): Promise<void> {
    this.#server.addService(
      {
        export: {
          path,
          requestStream: false,
          responseStream: false,
          requestSerialize: bytes,
          requestDeserialize: bytes,
          responseSerialize: bytes,
          responseDeserialize: bytes,
        },
      },
      {
        export: (call: { request: Buffer }, reply: (error: null, response: Buffer) => void) => {
          this.spans.push(...readSpans(call.request));
          reply(null, Buffer.alloc(0));
          this.#told();
        },
      },
    );
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
  }
}
