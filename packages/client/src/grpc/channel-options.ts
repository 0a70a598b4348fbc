import { readFileSync } from "node:fs";
import { type ChannelCredentials, credentials, type ChannelOptions } from "@grpc/grpc-js";
import { ClientError } from "../client-error.js";
import type { Endpoint } from "../endpoint.js";

/** Certificates in PEM form: the text itself, its bytes, or a file to read it from. */
export type Pem = string | Uint8Array | { readonly file: string };

/** How members prove who they are, and how this client does. */
export type TlsOptions = {
  /** Who may sign the members' certificates. Default: the authorities that Node trusts. */
  readonly ca?: Pem;
  /** This client's certificate, with `key`. */
  readonly cert?: Pem;
  readonly key?: Pem;
  /** The name that the members' certificates must have, instead of the host of the endpoint. */
  readonly serverName?: string;
  /** Accepts any certificate. The connection is then secret from those who only listen, and from nobody else. */
  readonly insecureSkipVerify?: boolean;
};

/** Signs of life asked for while calls or streams are open. */
export type KeepAlivePings = { readonly everyMs: number; readonly timeoutMs: number };

/** @throws ClientError "client/bad-option" for certificates that cannot be read or used. */
export function channelCredentials(endpoint: Endpoint, tls: TlsOptions | undefined): ChannelCredentials {
  if (!endpoint.isTls) return credentials.createInsecure();
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    throw new ClientError({
      code: "client/bad-option",
      message: "a client certificate needs its key, and a key its certificate",
    });
  }
  try {
    const verify = tls?.insecureSkipVerify === true ? { rejectUnauthorized: false } : {};
    return credentials.createSsl(readPem(tls?.ca), readPem(tls?.key), readPem(tls?.cert), verify);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ClientError({ code: "client/bad-option", message: `cannot use the certificates: ${why}`, cause: error });
  }
}

function readPem(pem: Pem | undefined): Buffer | null {
  if (pem === undefined) return null;
  if (typeof pem === "string") return Buffer.from(pem);
  if (pem instanceof Uint8Array) return Buffer.from(pem);
  return readFileSync(pem.file);
}

/** Settings of one connection. */
export function channelOptions(
  endpoint: Endpoint,
  tls: TlsOptions | undefined,
  pings: KeepAlivePings | undefined,
): ChannelOptions {
  return {
    // Retries are the client's own: it knows which requests may be repeated. Without grpc's, `getPeer` tells what was sent.
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    // A connection belongs to one client, so that closing it closes what it opened.
    "grpc.use_local_subchannel_pool": 1,
    // The member's limits count, not ours.
    "grpc.max_send_message_length": -1,
    "grpc.max_receive_message_length": -1,
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.enable_http_proxy": 0,
    ...(pings === undefined
      ? {}
      : { "grpc.keepalive_time_ms": pings.everyMs, "grpc.keepalive_timeout_ms": pings.timeoutMs }),
    ...(tls?.serverName === undefined || !endpoint.isTls
      ? {}
      : { "grpc.ssl_target_name_override": tls.serverName, "grpc.default_authority": tls.serverName }),
  };
}
