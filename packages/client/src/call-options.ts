/** Whether a write may be repeated after a failure that leaves open what became of it. */
export type WriteRetry =
  /** Only what certainly never left, or was refused unchanged. The default. */
  | "unsent"
  /** Also what may have been carried out: for writes that do no harm twice. */
  | "always"
  /** Nothing is repeated. */
  | "never";

/** What every call takes. */
export type CallOptions = {
  /** Ends the call as soon as it is aborted; the error is "client/aborted" with the signal's reason as its cause. */
  readonly signal?: AbortSignal | undefined;
  /** For the whole call, repetitions included. `Infinity` waits for ever. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Asks this endpoint of the client's only. */
  readonly endpoint?: string | undefined;
  /** Answers "etcd/no-leader" at once when the member knows no leader. */
  readonly hasLeader?: boolean | undefined;
  /** Default: the client's. */
  readonly retryWrites?: WriteRetry | undefined;
  /** More metadata for this call. Names in lower case. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
};

/** What every stream takes: as a call, but with no bound in time unless one is given. */
export type StreamOptions = Omit<CallOptions, "retryWrites">;
