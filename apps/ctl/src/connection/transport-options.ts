import type { KeepAlivePings } from "@quorate/client";

/** How members prove who they are, and how this program does. PEM. */
export type TlsSettings = {
  readonly ca?: Uint8Array;
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
  readonly insecureSkipVerify?: boolean;
};

/** Settings of a connection. */
export type TransportOptions = {
  /** Used for endpoints with https, and for those without a scheme. */
  readonly tls: TlsSettings | undefined;
  readonly connectTimeoutMs: number;
  readonly pings: KeepAlivePings;
  readonly requestBytesMax: number;
  readonly answerBytesMax: number;
};
