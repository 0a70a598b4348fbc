import type { Socket } from "node:net";
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from "node:tls";

/** TLS of a listener. */
export interface TlsOptions {
  /**
   * Certificate, key and trusted authorities, asked for at each handshake, so that files may change under a running server. Equal answers
   * (the same object) are turned into a context once. May throw: that handshake then fails.
   */
  readonly context: () => SecureContextOptions;
  /** "none": no client certificate is asked for; "verify": one is needed and must chain to `ca`; "ifGiven": verified when there. */
  readonly clientCertificate?: "none" | "ifGiven" | "verify";
  /** A last look at a verified client certificate's names. A text refuses it, for the log. */
  readonly checkClient?: (socket: TLSSocket) => string | undefined;
  /** Plain connections are served too. False: they are closed without an answer. */
  readonly allowsPlain?: boolean;
}

/** Makes the server side of TLS connections. */
export class TlsAcceptor {
  readonly options: TlsOptions;
  private lastOptions: SecureContextOptions | undefined;
  private lastContext: SecureContext | undefined;

  constructor(options: TlsOptions) {
    this.options = options;
  }

  /** Wraps a socket whose first bytes are still to be read. @throws what `context` throws, or OpenSSL's error for bad certificates. */
  wrap(socket: Socket): TLSSocket {
    const mode = this.options.clientCertificate ?? "none";
    return new TLSSocket(socket, {
      isServer: true,
      secureContext: this.context(),
      requestCert: mode !== "none",
      rejectUnauthorized: false, // looked at in `refusalOf`, which can say why
      ALPNProtocols: ["h2", "http/1.1"],
    });
  }

  /** Why the client of a finished handshake is refused, or undefined. */
  refusalOf(socket: TLSSocket): string | undefined {
    const mode = this.options.clientCertificate ?? "none";
    if (mode === "none") return undefined;
    const isGiven = Object.keys(socket.getPeerCertificate()).length > 0;
    if (!isGiven) return mode === "verify" ? "tls: client didn't provide a certificate" : undefined;
    if (!socket.authorized) return `tls: failed to verify certificate: ${String(socket.authorizationError)}`;
    return this.options.checkClient?.(socket);
  }

  private context(): SecureContext {
    const options = this.options.context();
    if (options !== this.lastOptions || this.lastContext === undefined) {
      this.lastContext = createSecureContext(options);
      this.lastOptions = options;
    }
    return this.lastContext;
  }
}

/** Common name of the client's certificate. Only trustworthy after `refusalOf`. */
export function commonNameOf(socket: TLSSocket): string | undefined {
  const { subject } = socket.getPeerCertificate();
  const name = subject?.CN as string | string[] | undefined;
  return Array.isArray(name) ? name[0] : name;
}
