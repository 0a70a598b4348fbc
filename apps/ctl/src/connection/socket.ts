import { connect as connectSocket, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Endpoint } from "@quorate/client";
import type { TlsSettings } from "./transport-options.js";

/** How an endpoint is spoken to. */
export type SocketOptions = { readonly isTls: boolean; readonly tls: TlsSettings | undefined };

/** Connects to where a member listens. */
export function openSocket(endpoint: Endpoint, options: SocketOptions): Socket {
  const { host, port } = endpoint;
  const place = port === undefined ? { path: host } : { host, port, noDelay: true };
  if (!options.isTls) return connectSocket(place);
  const { ca, cert, key, insecureSkipVerify } = options.tls ?? {};
  const servername = port === undefined ? "localhost" : host;
  return connectTls({
    ...place,
    ALPNProtocols: ["h2"],
    ...(isIP(servername) === 0 ? { servername } : {}),
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(cert === undefined ? {} : { cert: Buffer.from(cert) }),
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
    ...(insecureSkipVerify === true ? { rejectUnauthorized: false } : {}),
  });
}

const wantsTls = "does the member want TLS (https://, --cacert)?";
const wantsCertificate = "does the member want a certificate of this client (--cert, --key)?";

/** What to look for when a connection ends before the member has said anything. */
export function closedTooSoon(options: SocketOptions): string {
  const what = "the connection was closed before HTTP/2 began";
  if (!options.isTls) return `${what}: ${wantsTls}`;
  return options.tls?.cert === undefined ? `${what}: ${wantsCertificate}` : what;
}

/** A failed connection in a sentence that says what to look for. */
export function explainFailure(error: Error, options: SocketOptions): string {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return `${error.message}: nobody listens there`;
  if (code === "ENOTFOUND") return `${error.message}: the name is not known`;
  if (!options.isTls) return code === "ENOENT" ? error.message : `${error.message}: ${wantsTls}`;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code.includes("PACKET_LENGTH_TOO_LONG")) {
    return "the member does not speak TLS there: use http://";
  }
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code)) {
    return `${error.message}: name the authority of the member's certificate with --cacert`;
  }
  return code.includes("ALERT") && code.includes("CERTIFICATE")
    ? `${error.message}: ${wantsCertificate}`
    : error.message;
}
