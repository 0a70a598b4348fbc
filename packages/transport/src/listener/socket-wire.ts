import type { Socket } from "node:net";
import type { PeerInfo } from "../http2/engine.js";
import type { Wire } from "../http2/output.js";

/** A wire over a socket, plain or TLS. */
export class SocketWire implements Wire {
  private readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  write(bytes: Buffer, written: () => void): void {
    this.socket.write(bytes, written);
  }

  get backlog(): number {
    return this.socket.writableLength;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Who is at the other end of a socket. Read once: a socket forgets it when it closes. */
export function peerOf(socket: Socket, tls: { readonly commonName: string | undefined } | undefined): PeerInfo {
  return {
    remoteAddress: socket.remoteAddress ?? "",
    remotePort: socket.remotePort ?? 0,
    isTls: tls !== undefined,
    commonName: tls?.commonName,
  };
}
