import type { ListenerPlan } from "../config/config.js";
import type { LogLine } from "../config/log-line.js";
import { discoveryFailed, type StartFailure } from "./start-failure.js";
import { codeOf, reasonOf } from "./system-error.js";

/** What a listener that cannot be bound means for the start. Peers are told of twice, as in etcd. */
export function listenFailed(
  kind: "peer" | "client" | "metrics",
  address: ListenerPlan["address"],
  cause: unknown,
): StartFailure {
  const place = "path" in address ? `unix ${address.path}` : `tcp ${withBrackets(address.host)}:${address.port}`;
  const step = codeOf(cause) === "ENOTFOUND" ? "lookup" : "bind";
  const error = `listen ${place}: ${step}: ${reasonOf(cause)}`;
  const lines: readonly LogLine[] = [{ level: "error", message: "creating peer listener failed", fields: { error } }];
  return discoveryFailed(error, kind === "peer" ? lines : []);
}

function withBrackets(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
