/** What goes with one call. */
export type CallSettings = {
  /** Names in lower case; values in ASCII. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Time left in milliseconds; `undefined` is no bound. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
};

/** How a call failed, as far as the transport can tell. */
export type CallFailure = {
  /** gRPC status: the server's, or the one that fits a failure on the way. */
  readonly status: number;
  readonly message: string;
  /**
   * False only when it is certain that not a byte of the request left this process. That decides whether a write may be
   * repeated, so a transport that does not know says true.
   */
  readonly wasSent: boolean;
};

export type UnaryOutcome =
  | { readonly kind: "answer"; readonly message: Uint8Array }
  | { readonly kind: "failed"; readonly failure: CallFailure };

/** What a stream tells its reader. After `onEnd` there is nothing more. */
export interface StreamHandlers {
  onMessage(message: Uint8Array): void;
  /** `undefined`: the server ended it with OK. Also called after `cancel` and after an abort. */
  onEnd(failure: CallFailure | undefined): void;
}

/** A stream that is being read. */
export interface ReadStream {
  /** No more messages are delivered until `resume`, apart from those already on their way. The server is held up by flow control. */
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** A stream that is written, too. */
export interface DuplexStream extends ReadStream {
  /** Keeps order. What is sent after the end is dropped without a word: `onEnd` has told it. */
  send(message: Uint8Array): void;
  endSending(): void;
}

/**
 * Carries calls to one endpoint: method path and bytes go in, bytes come out. It knows no message, retries nothing and never
 * throws; failures are answers. The one in this package speaks gRPC over HTTP/2 in Node; one for browsers, over the JSON
 * gateway, fits behind the same interface.
 */
export interface Transport {
  unary(path: string, message: Uint8Array, settings: CallSettings): Promise<UnaryOutcome>;
  serverStream(path: string, message: Uint8Array, settings: CallSettings, handlers: StreamHandlers): ReadStream;
  bidi(path: string, settings: CallSettings, handlers: StreamHandlers): DuplexStream;
  /** Ends all calls and connections. */
  close(): void;
}
