import {
  type CallEnd,
  Code,
  GrpcServices,
  Metadata,
  type MetadataValue,
  type Status,
  type StreamCall,
} from "@quorate/transport";
import { bytesOf, numberOf, readFields, type WireFields, writeField } from "./wire-fields.js";

const initialKey = "x-grpc-test-echo-initial";
const trailingKey = "x-grpc-test-echo-trailing-bin";

/** `grpc.testing.TestService` as grpc's interop descriptions ask for it. UnimplementedCall and UnimplementedService are absent on purpose. */
export function testServices(): GrpcServices {
  const services = new GrpcServices();
  const path = (method: string): string => `/grpc.testing.TestService/${method}`;
  services.unary(path("EmptyCall"), (call) => call.reply(new Uint8Array(0)));
  services.unary(path("UnaryCall"), (call, message) => {
    const request = readFields(message);
    const trailers = echoMetadata(call);
    const status = echoStatus(request);
    if (status !== undefined) return call.fail(status, trailers);
    call.reply(writeField(1, payloadOf(numberOf(request, 2))), trailers);
  });
  services.serverStream(path("StreamingOutputCall"), (call, message) => {
    new OutputQueue(call).add(readFields(message), () => call.end());
  });
  services.clientStream(path("StreamingInputCall"), (call) => {
    let total = 0;
    call.onMessage((message) => {
      total += bodyLength(readFields(message));
    });
    call.onHalfClose(() => {
      call.send(writeField(1, total));
      call.end();
    });
  });
  services.bidi(path("FullDuplexCall"), (call) => {
    const trailers = echoMetadata(call);
    const queue = new OutputQueue(call);
    call.onMessage((message) => {
      const request = readFields(message);
      const status = echoStatus(request);
      if (status !== undefined) call.fail(status, trailers);
      else queue.add(request, () => {});
    });
    call.onHalfClose(() => queue.whenEmpty(() => call.end(trailers)));
  });
  return services;
}

/** Sends the caller's initial metadata back as head, and gives the trailing metadata to end with. */
function echoMetadata(call: CallEnd): Metadata {
  const initial = call.metadata.get(initialKey);
  if (initial !== undefined) call.setHead(new Metadata([[initialKey, initial]]));
  return new Metadata(
    call.metadata.getBinary(trailingKey).map((bytes): [string, MetadataValue] => [trailingKey, bytes]),
  );
}

/** The status that a request asks to be answered with. */
function echoStatus(request: WireFields): Status | undefined {
  const wanted = bytesOf(request, 7);
  if (wanted === undefined) return undefined;
  const fields = readFields(wanted);
  const code = numberOf(fields, 1);
  return code === Code.OK ? undefined : { code, message: Buffer.from(bytesOf(fields, 2) ?? []).toString("utf8") };
}

function payloadOf(size: number): Uint8Array {
  return writeField(2, new Uint8Array(size));
}

function bodyLength(request: WireFields): number {
  const payload = bytesOf(request, 1);
  return payload === undefined ? 0 : (bytesOf(readFields(payload), 2)?.length ?? 0);
}

type Output = { size: number; afterMs: number } | { run: () => void };

/** Sends responses in order, each after its interval. */
class OutputQueue {
  private readonly call: StreamCall;
  private readonly outputs: Output[] = [];
  private isRunning = false;

  constructor(call: StreamCall) {
    this.call = call;
  }

  /** Adds the responses that a StreamingOutputCallRequest asks for, then `done`. */
  add(request: WireFields, done: () => void): void {
    for (const parameters of request.get(2) ?? []) {
      if (!(parameters instanceof Uint8Array)) continue;
      const fields = readFields(parameters);
      this.outputs.push({ size: numberOf(fields, 1), afterMs: numberOf(fields, 2) / 1000 });
    }
    this.whenEmpty(done);
  }

  /** Runs `done` after all that was added. */
  whenEmpty(done: () => void): void {
    this.outputs.push({ run: done });
    if (!this.isRunning) this.next();
  }

  private next(): void {
    const output = this.outputs.shift();
    this.isRunning = output !== undefined;
    if (output === undefined || this.call.isOver) return;
    if ("run" in output) {
      output.run();
      this.next();
      return;
    }
    const send = (): void => {
      this.call.send(writeField(1, payloadOf(output.size)));
      this.next();
    };
    if (output.afterMs > 0) setTimeout(send, output.afterMs);
    else send();
  }
}
