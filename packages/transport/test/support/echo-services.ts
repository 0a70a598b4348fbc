import { GrpcServices, type StreamCall, type UnaryCall } from "../../src/index.js";

/** A service that echoes, and keeps the calls that it does not answer by itself. */
export class EchoService {
  readonly services = new GrpcServices();
  /** Calls of /t.S/Hold and /t.S/Stream, in order. */
  readonly held: UnaryCall[] = [];
  readonly streams: StreamCall[] = [];
  readonly seen: string[] = [];

  constructor() {
    this.services.unary("/t.S/Echo", (call, message) => {
      this.seen.push(`echo ${Buffer.from(message).toString("latin1")}`);
      call.reply(Buffer.from(message));
    });
    this.services.unary("/t.S/Hold", (call) => {
      this.held.push(call);
    });
    this.services.unary("/t.S/Careful", (call) => {
      this.held.push(call);
      call.onCancel(() => this.seen.push("cancelled"));
    });
    this.services.serverStream("/t.S/Count", (call, message) => {
      for (let i = 0; i < (message[0] ?? 0); i++) call.send(Buffer.from([i]));
      call.end();
    });
    this.services.bidi("/t.S/Stream", (call) => {
      this.streams.push(call);
      call.onMessage((message) => {
        this.seen.push(`message ${Buffer.from(message).toString("latin1")}`);
        call.send(Buffer.from(message));
      });
      call.onHalfClose(() => {
        this.seen.push("half-closed");
        call.end();
      });
      call.onCancel(() => this.seen.push("cancelled"));
    });
    this.services.bidi("/t.S/Silent", (call) => {
      this.streams.push(call);
    });
  }
}
