import type { Logger } from "@quorate/common";
import type { Metrics } from "@quorate/telemetry";
import { errorText, text } from "./answers.js";
import type { MemberView } from "./member-view.js";

/** What the pages about health need. */
export type HealthPorts = Readonly<{ member: MemberView; metrics: Metrics; logger: Logger }>;

/** `/health`: alarms, a leader, and a read; or the first of these that is not as it should be. */
export async function healthPage(query: URLSearchParams, signal: AbortSignal, ports: HealthPorts): Promise<Response> {
  const reason = await findTrouble(query, signal, ports.member);
  const { etcd } = ports.metrics;
  if (reason === undefined) {
    etcd.etcd_server_health_success.add();
    return text('{"health":"true","reason":""}');
  }
  etcd.etcd_server_health_failures.add();
  const body = JSON.stringify({ health: "false", reason });
  ports.logger.warn("/health error", { output: body, "status-code": 503 });
  return errorText(503, `${body}\n`);
}

async function findTrouble(
  query: URLSearchParams,
  signal: AbortSignal,
  member: MemberView,
): Promise<string | undefined> {
  const excluded = query.getAll("exclude");
  const isSerializable = query.get("serializable") === "true";
  const alarm = member.alarms().find((name) => !excluded.includes(name));
  if (alarm !== undefined) return `ALARM ${alarm}`;
  if (!isSerializable && !member.hasLeader()) return "RAFT NO LEADER";
  const error = isSerializable ? await member.serializableRead(signal) : await member.linearizableRead(signal);
  return error === undefined ? undefined : `RANGE ERROR:${error}`;
}
