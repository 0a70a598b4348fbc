import { type ClientError, rpcs, StatusCode, statusName } from "@quorate/client";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";

/** What etcd's own client says when time is up, for whatever reason. */
export const deadlineText = "context deadline exceeded";

/** A failed request in the words of etcd's own client. */
export function errorText(error: ClientError): string {
  const { code, message, status } = error;
  if (code === "client/deadline" || code === "client/unreachable" || status === StatusCode.DeadlineExceeded) {
    return deadlineText;
  }
  if (code.startsWith("client/") || status === undefined) return message;
  // Texts that etcd's client knows stand alone; they begin like this, and have a code of their own.
  return message.startsWith("etcdserver: ") && !statusOnly.has(code) ? message : statusText(error);
}

/** A status as Go prints it. */
export function statusText(error: ClientError): string {
  return `rpc error: code = ${statusName(error.status ?? StatusCode.Unknown)} desc = ${error.message}`;
}

const statusOnly: ReadonlySet<string> = new Set([
  "etcd/canceled",
  "etcd/unknown",
  "etcd/invalid-argument",
  "etcd/deadline-exceeded",
  "etcd/not-found",
  "etcd/already-exists",
  "etcd/resource-exhausted",
  "etcd/failed-precondition",
  "etcd/aborted",
  "etcd/out-of-range",
  "etcd/unimplemented",
  "etcd/internal",
  "etcd/unavailable",
  "etcd/data-loss",
  "etcd/unauthenticated",
]);

/** Whether the request that failed was the one for a token: then there is no connection with these credentials. */
export function isLoginFailure(error: ClientError): boolean {
  return error.method === rpcs.authenticate.path;
}

/** How a command ends when a request of its failed and it has nothing more to say. */
export function failureOf(error: ClientError): CommandFailure {
  const exitCode = isLoginFailure(error) ? ExitCode.BadConnection : ExitCode.Error;
  return new CommandFailure(exitCode, errorText(error), { cause: error });
}
