import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContextOptions } from "node:tls";
import type { ChannelCredentials, ChannelOptions, Client, Metadata } from "@grpc/grpc-js";
import type { PeerLimits } from "./peer-limits.js";

/** How connections to `https` peers are made. */
export type PeerTls = Readonly<{
  /** Authorities that may have signed the peers' certificates, and this member's certificate; asked for at each connection. May throw: the attempt has then failed. */
  context: () => SecureContextOptions;
  /** False: any certificate will do (peers with certificates that they made themselves). */
  verifiesServer?: boolean;
  /** A last look at a peer's certificate, after its chain and its host have been verified. An error refuses it. */
  checkServer?: (certificate: PeerCertificate) => Error | undefined;
}>;

/** Makes gRPC clients. */
export interface Channels {
  /**
   * Makes a client with one connection of its own to a base URL; it connects with the first call.
   * @throws TypeError for a URL that cannot be spoken to, and what `tls.context` throws.
   */
  open(url: string): Client;
  metadata(fields: readonly (readonly [string, string])[]): Metadata;
}

/** Loads the gRPC client, which takes some 50 ms and some megabytes: only for who has peers. */
export async function loadChannels(tls: PeerTls | undefined, limits: PeerLimits): Promise<Channels> {
  const grpc = await import("@grpc/grpc-js");
  const options = channelOptions(limits);
  return {
    open(url) {
      const parsed = new URL(url);
      return new grpc.Client(targetOf(parsed), credentialsFor(grpc, parsed, tls), {
        ...options,
        ...serverName(parsed),
      });
    },
    metadata(fields) {
      const metadata = new grpc.Metadata();
      for (const [name, value] of fields) metadata.set(name, value);
      return metadata;
    },
  };
}

function targetOf(url: URL): string {
  if (url.protocol === "unix:" || url.protocol === "unixs:") return `unix:${url.host}${url.pathname}`;
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return `dns:${url.hostname}:${port}`;
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

/** A TLS handshake may not name an address (RFC 6066 section 3), and the client would do it. */
function serverName(url: URL): ChannelOptions {
  return isIP(bareHost(url)) === 0 ? {} : { "grpc.ssl_target_name_override": "address.invalid" };
}

function credentialsFor(
  { credentials }: typeof import("@grpc/grpc-js"),
  url: URL,
  tls: PeerTls | undefined,
): ChannelCredentials {
  if (url.protocol === "http:" || url.protocol === "unix:") return credentials.createInsecure();
  if (url.protocol !== "https:" && url.protocol !== "unixs:") throw new TypeError(`not a peer URL: ${url.protocol}`);
  const { checkServer, verifiesServer } = tls ?? {};
  return credentials.createFromSecureContext(createSecureContext(tls?.context() ?? {}), {
    rejectUnauthorized: verifiesServer !== false,
    // By the URL's host, whatever the handshake was told it is called.
    checkServerIdentity: (_, certificate) =>
      checkServerIdentity(bareHost(url), certificate) ?? checkServer?.(certificate),
  });
}

function channelOptions(limits: PeerLimits): ChannelOptions {
  return {
    // Without grpc's retries a write is over when the system has taken it, and nothing is kept for another attempt.
    "grpc.enable_retries": 0,
    "grpc.per_rpc_retry_buffer_size": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    "grpc.enable_http_proxy": 0,
    // A connection for each lane: what waits in one is not in the way of the other.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_send_message_length": -1,
    "grpc.max_receive_message_length": limits.messageBytesMax + limits.batchBytesMax,
    "grpc.keepalive_time_ms": limits.keepAliveIntervalMs,
    "grpc.keepalive_timeout_ms": limits.keepAliveTimeoutMs,
    "grpc.keepalive_permit_without_calls": 0,
    // An attempt is one attempt: the link decides when and where the next one goes.
    "grpc.initial_reconnect_backoff_ms": limits.reconnectMaxMs,
  };
}
