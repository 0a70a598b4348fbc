/** Every bound of a listener. Bytes, counts and milliseconds as the names say. */
export interface Limits {
  /** Open streams of one HTTP/2 connection, work of cancelled calls that has not ended included. Beyond: REFUSED_STREAM. */
  readonly maxConcurrentStreams: number;
  /** One gRPC message, after inflation. Beyond: RESOURCE_EXHAUSTED. */
  readonly maxReceiveBytes: number;
  /** Decoded header list of a request, also header bytes of an HTTP/1.1 request. Beyond: the stream is reset; 431. */
  readonly maxHeaderListBytes: number;
  /** Encoded header block over all its frames. Beyond: GOAWAY ENHANCE_YOUR_CALM. */
  readonly maxHeaderBlockBytes: number;
  /** CONTINUATION frames of one header block. Beyond: GOAWAY ENHANCE_YOUR_CALM. */
  readonly maxContinuations: number;
  /** What our SETTINGS_HEADER_TABLE_SIZE says. */
  readonly headerTableBytes: number;
  /** Receive window of a stream; also the request bytes a handler that does not read makes us hold. */
  readonly streamWindowBytes: number;
  /** Receive window of a connection. */
  readonly connectionWindowBytes: number;
  /** Request bytes held for unfinished or unread messages, per connection and in all. Beyond: RESOURCE_EXHAUSTED for the stream. */
  readonly heldBytesPerConnection: number;
  readonly heldBytesTotal: number;
  /** `send` says "full" above this many unsent bytes of a stream. */
  readonly streamHighWaterBytes: number;
  /** Unsent reply bytes, per connection (beyond: the stream is reset) and in all (beyond: the longest stalled connection is dropped). */
  readonly queuedBytesPerConnection: number;
  readonly queuedBytesTotal: number;
  /** Bytes handed to the socket and not yet taken by the system, above which no more DATA is framed. */
  readonly socketHighWaterBytes: number;
  /** The same, control replies included, above which nothing more is read from the peer. */
  readonly socketStopReadingBytes: number;
  /** Resets (by either side) that may come at once, and how many are forgiven a second. A call that ends well forgives one. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** PING, SETTINGS, PRIORITY, empty DATA, unknown frames: how many may come at once, and are forgiven a second. DATA with content forgives one. */
  readonly idleFrameBurst: number;
  readonly idleFramesPerSecond: number;
  /** How long the work of a cancelled call counts as open when its handler never ends it. */
  readonly cancelledWorkMs: number;
  /** TLS handshake and the bytes that say which protocol it is; also the HTTP/2 preface and first SETTINGS. */
  readonly handshakeMs: number;
  /** An HTTP/2 header block, an HTTP/1.1 request head. */
  readonly headersMs: number;
  /** An HTTP/1.1 connection without a request. */
  readonly idleMs: number;
  /** Silence after which the server sends a PING; 0: never. */
  readonly keepAliveIntervalMs: number;
  /** How long it waits for the answer, then it closes. */
  readonly keepAliveTimeoutMs: number;
  /** Pings of a client closer together than this are too many: after the third one GOAWAY `too_many_pings`. */
  readonly keepAliveMinPingMs: number;
  /** Whether a client may ping (at that rate) while it has no stream. */
  readonly keepAliveWithoutStreams: boolean;
  /** Connections of one listener. Beyond: closed at once. */
  readonly maxConnections: number;
}

/** What a listener uses where nothing else is said. The keep-alive values are etcd's. */
export const defaultLimits: Limits = {
  maxConcurrentStreams: 100_000,
  maxReceiveBytes: 4 * 1024 * 1024,
  maxHeaderListBytes: 1024 * 1024,
  maxHeaderBlockBytes: 1024 * 1024,
  maxContinuations: 128,
  headerTableBytes: 4096,
  streamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 16 * 1024 * 1024,
  heldBytesPerConnection: 64 * 1024 * 1024,
  heldBytesTotal: 512 * 1024 * 1024,
  streamHighWaterBytes: 64 * 1024,
  queuedBytesPerConnection: 64 * 1024 * 1024,
  queuedBytesTotal: 512 * 1024 * 1024,
  socketHighWaterBytes: 256 * 1024,
  socketStopReadingBytes: 1024 * 1024,
  resetBurst: 2000,
  resetsPerSecond: 200,
  idleFrameBurst: 10_000,
  idleFramesPerSecond: 1000,
  cancelledWorkMs: 30_000,
  handshakeMs: 10_000,
  headersMs: 10_000,
  idleMs: 120_000,
  keepAliveIntervalMs: 2 * 60 * 60 * 1000,
  keepAliveTimeoutMs: 20_000,
  keepAliveMinPingMs: 5000,
  keepAliveWithoutStreams: false,
  maxConnections: 100_000,
};
