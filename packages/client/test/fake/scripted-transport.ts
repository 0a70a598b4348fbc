import type { DuplexStream, ReadStream, StreamHandlers, Transport, UnaryOutcome } from "../../src/index.js";

/** A stream as the test sees it from the member's side. */
export type ScriptedStream = {
  readonly path: string;
  readonly sent: Uint8Array[];
  readonly handlers: StreamHandlers;
  isCancelled: boolean;
};

/** A transport without a network: answers by functions, streams played by the test. */
export class ScriptedTransport implements Transport {
  readonly streams: ScriptedStream[] = [];
  readonly answers = new Map<string, (message: Uint8Array) => UnaryOutcome>();

  async unary(path: string, message: Uint8Array): Promise<UnaryOutcome> {
    const unknown = { status: 12, message: `unknown method ${path}`, wasSent: true };
    return this.answers.get(path)?.(message) ?? { kind: "failed", failure: unknown };
  }

  serverStream(path: string, message: Uint8Array, _settings: unknown, handlers: StreamHandlers): ReadStream {
    const stream = this.bidi(path, _settings, handlers);
    stream.send(message);
    return stream;
  }

  bidi(path: string, _settings: unknown, handlers: StreamHandlers): DuplexStream {
    const stream: ScriptedStream = { path, sent: [], handlers, isCancelled: false };
    this.streams.push(stream);
    const nothing = () => {};
    return {
      send: (message) => void stream.sent.push(message),
      endSending: nothing,
      pause: nothing,
      resume: nothing,
      cancel: () => {
        stream.isCancelled = true;
      },
    };
  }

  close(): void {}
}
