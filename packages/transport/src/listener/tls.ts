import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";

/** TLS of a listener. */
export interface TlsOptions {
  /**
   * Certificate, key and trusted authorities, asked for at each handshake, so that files may change under a running server. Equal answers
   * (the same object) are turned into a context once. May throw: that handshake then fails.
   */
  readonly context: () => SecureContextOptions;
  /** "none": no client certificate is asked for; "verify": one is needed and must chain to `ca`; "ifGiven": verified when there. */
  readonly clientCertificate?: "none" | "ifGiven" | "verify";
  /** A last look at a verified client certificate's names. A text refuses it, for the log. Nothing is read from the client before the answer. */
  readonly checkClient?: (socket: TLSSocket) => string | undefined | Promise<string | undefined>;
  /** Plain connections are served too. False: they are closed without an answer. */
  readonly allowsPlain?: boolean;
}

/** Does the server side of TLS handshakes, on sockets that somebody else has accepted. */
export class TlsAcceptor {
  readonly options: TlsOptions;
  private readonly server: Server;
  private lastOptions: SecureContextOptions | undefined;

  /** `secured` gets each connection whose handshake is done, `failed` those whose handshake is not. */
  constructor(
    options: TlsOptions,
    settings: {
      handshakeMs: number;
      secured: (socket: TLSSocket) => void;
      failed: (socket: Socket, reason: string) => void;
    },
  ) {
    this.options = options;
    this.server = createServer({
      requestCert: (options.clientCertificate ?? "none") !== "none",
      rejectUnauthorized: false, // looked at in `refusalOf`, which can say why
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: settings.handshakeMs,
    });
    const decide = (socket: TLSSocket, refusal: string | undefined): void => {
      if (refusal === undefined) settings.secured(socket);
      else settings.failed(socket, refusal);
    };
    this.server.on("secureConnection", (socket) => {
      const refusal = this.refusalOf(socket);
      if (!(refusal instanceof Promise)) return decide(socket, refusal);
      socket.on("error", () => {}); // it may go away meanwhile
      refusal.then(
        (text) => socket.destroyed || decide(socket, text),
        (error: Error) => decide(socket, error.message),
      );
    });
    this.server.on("tlsClientError", (error, socket) => settings.failed(socket, error.message));
  }

  /** Begins the handshake on a socket whose first bytes are still to be read. @throws what `context` throws, or OpenSSL's error for bad certificates. */
  accept(socket: Socket): void {
    const options = this.options.context();
    if (options !== this.lastOptions) {
      this.server.setSecureContext(options);
      this.lastOptions = options;
    }
    this.server.emit("connection", socket);
  }

  /** Why the client of a finished handshake is refused, or undefined. */
  private refusalOf(socket: TLSSocket): string | undefined | Promise<string | undefined> {
    const mode = this.options.clientCertificate ?? "none";
    if (mode === "none") return undefined;
    const isGiven = Object.keys(socket.getPeerCertificate()).length > 0;
    if (!isGiven) return mode === "verify" ? "tls: client didn't provide a certificate" : undefined;
    if (!socket.authorized) return `tls: failed to verify certificate: ${String(socket.authorizationError)}`;
    return this.options.checkClient?.(socket);
  }
}

/** Common name of the client's certificate. Only trustworthy when it was verified. */
export function commonNameOf(socket: TLSSocket): string | undefined {
  const { subject } = socket.getPeerCertificate();
  const name = subject?.CN as string | string[] | undefined;
  return Array.isArray(name) ? name[0] : name;
}
