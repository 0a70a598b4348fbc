import type { Header } from "./kv/header.js";
import { type KnownServerCode, classify, type StatusServerCode } from "./server-errors.js";
import { StatusCode, statusByName } from "./status-code.js";
import type { CallFailure } from "./transport.js";

/** Failures that this side finds. */
export type LocalCode =
  | "client/bad-endpoint"
  | "client/bad-option"
  | "client/bad-value"
  | "client/bad-answer"
  | "client/unreachable"
  | "client/deadline"
  | "client/aborted"
  | "client/closed"
  | "client/other-cluster"
  | "client/lease-lost"
  | "client/lock-lost"
  | "client/not-leader"
  | "client/conflict"
  | "client/snapshot-damaged";

/** What went wrong, for programs: "client/…" was found here, "etcd/…" was answered by a member or on the way to it. */
export type ErrorCode = LocalCode | KnownServerCode | StatusServerCode;

/** The parts of a `ClientError`. */
export type ClientErrorParts = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly status?: number | undefined;
  readonly mayHaveRun?: boolean | undefined;
  readonly method?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly compactRevision?: bigint | undefined;
  readonly header?: Header | undefined;
  readonly cause?: unknown;
};

/** The one error of this package. Look it up by `code`, never by message. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ErrorCode;
  /** gRPC status, if a call failed. */
  readonly status: number | undefined;
  /**
   * Whether the request may have been carried out all the same. False is certain: nothing was changed, and it can be sent again.
   * True means that nobody here can know: read before you write again.
   */
  readonly mayHaveRun: boolean;
  /** Path of the method, as "/etcdserverpb.KV/Put". */
  readonly method: string | undefined;
  /** URL of the endpoint that was asked last. */
  readonly endpoint: string | undefined;
  /** With "etcd/compacted" of a watch: the oldest revision that can still be watched from. */
  readonly compactRevision: bigint | undefined;
  /** When a member ended a watch: who it was, and its revision then. */
  readonly header: Header | undefined;

  constructor(parts: ClientErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = parts.code;
    this.status = parts.status;
    this.mayHaveRun = parts.mayHaveRun ?? false;
    this.method = parts.method;
    this.endpoint = parts.endpoint;
    this.compactRevision = parts.compactRevision;
    this.header = parts.header;
  }
}

/** Where a failure was met. */
export type CallPlace = { readonly method: string; readonly endpoint: string };

/** The error of a failed call. */
export function errorOfFailure(failure: CallFailure, place: CallPlace): ClientError {
  const { status, message, wasSent } = failure;
  if (!wasSent && status === StatusCode.Unavailable) {
    return new ClientError({ ...place, code: "client/unreachable", message: `${place.endpoint}: ${message}`, status });
  }
  const { code, mayHaveRun } = classify(status, message);
  return new ClientError({ ...place, code, message, status, mayHaveRun: wasSent && mayHaveRun });
}

const statusText = /^rpc error: code = (\w+) desc = (.*)$/s;

/** The error in the reason a watch was refused with: a bare text, or a status written out as Go prints it. */
export function errorOfReason(reason: string, place: CallPlace & { readonly header?: Header }): ClientError {
  const match = statusText.exec(reason);
  const message = match?.[2] ?? reason;
  const status = statusByName(match?.[1] ?? "") ?? StatusCode.Unknown;
  return new ClientError({ ...place, code: classify(status, message).code, message, status });
}

/** The caller has changed its mind. The cause is the signal's reason. */
export function abortedError(
  signal: AbortSignal,
  place: { readonly method?: string | undefined; readonly endpoint?: string | undefined },
  mayHaveRun: boolean,
): ClientError {
  const message = "the call was aborted by its signal";
  return new ClientError({
    method: place.method,
    endpoint: place.endpoint,
    code: "client/aborted",
    message,
    status: StatusCode.Canceled,
    mayHaveRun,
    cause: signal.reason,
  });
}

/** The client was closed. */
export function closedError(): ClientError {
  return new ClientError({ code: "client/closed", message: "the client is closed" });
}

/**
 * Whether the same request may fare better later, or at another member.
 * @param others whether there is another member to ask: a learner refuses what a voter does.
 */
export function mayPass(error: ClientError, others: boolean): boolean {
  if (error.code === "etcd/learner") return others;
  // A verdict about the whole cluster, for the next five seconds at least: whoever changes its members wants to know now.
  if (error.code === "etcd/unhealthy-cluster") return false;
  return error.status === StatusCode.Unavailable || error.code === "etcd/too-many-requests";
}

const tokenCodes: ReadonlySet<ErrorCode> = new Set(["etcd/invalid-token", "etcd/auth-revision-old", "etcd/user-empty"]);

/** Whether a new token may help: the request was refused for what it said about the user, and has done nothing. */
export function isTokenRefusal(error: ClientError): boolean {
  return tokenCodes.has(error.code);
}
