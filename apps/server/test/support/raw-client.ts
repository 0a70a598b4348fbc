import { createConnection, type Socket } from "node:net";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const kinds = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH", "PING", "GOAWAY", "WINDOW_UPDATE"];

/** A gRPC client that writes its own frames, so that a test decides what arrives together and counts what comes back. */
export class RawClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #nextStream = 1;
  /** Frames that came, as "KIND stream". */
  readonly frames: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => this.#take(bytes));
  }

  static async connected(port: number): Promise<RawClient> {
    const socket = createConnection({ host: "127.0.0.1", port });
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.write(Buffer.concat([Buffer.from(preface), frame(4, 0, 0, Buffer.alloc(0))]));
    return new RawClient(socket);
  }

  /** Begins a unary call for each message, all in one write. */
  callAll(path: string, messages: readonly Uint8Array[], metadata: Readonly<Record<string, string>> = {}): void {
    const frames = messages.flatMap((message) => {
      const stream = this.#nextStream;
      this.#nextStream += 2;
      const body = Buffer.alloc(5 + message.length);
      body.writeUInt32BE(message.length, 1);
      body.set(message, 5);
      return [frame(1, 4, stream, headersOf(path, metadata)), frame(0, 1, stream, body)];
    });
    this.#socket.write(Buffer.concat(frames));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 9) {
      const length = this.#received.readUIntBE(0, 3);
      if (this.#received.length < 9 + length) return;
      const kind = kinds[this.#received[3] as number] ?? "?";
      this.frames.push(`${kind} ${this.#received.readUInt32BE(5)}`);
      this.#received = this.#received.subarray(9 + length);
    }
  }
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of literals only. */
function headersOf(path: string, metadata: Readonly<Record<string, string>>): Buffer {
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    te: "trailers",
    "content-type": "application/grpc",
    ...metadata,
  };
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]),
  );
}
