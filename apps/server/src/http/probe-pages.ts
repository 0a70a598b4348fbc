import { errorText } from "./answers.js";
import type { HealthPorts } from "./health-page.js";
import type { MemberView } from "./member-view.js";

type CheckName = "data_corruption" | "serializable_read" | "linearizable_read" | "non_learner";
/** Looks at one thing. @returns why it is not as it should be. */
type Check = (member: MemberView, signal: AbortSignal) => Promise<string | undefined> | string | undefined;

const checks: Readonly<Record<CheckName, Check>> = {
  data_corruption: (member) => (member.alarms().includes("CORRUPT") ? "alarm activated: CORRUPT" : undefined),
  serializable_read: (member, signal) => member.serializableRead(signal),
  linearizable_read: (member, signal) => member.linearizableRead(signal),
  non_learner: (member) => (member.isLearner() ? "not supported for learner" : undefined),
};

const probes = {
  livez: ["serializable_read"],
  readyz: ["data_corruption", "serializable_read", "linearizable_read", "non_learner"],
} as const satisfies Record<string, readonly CheckName[]>;

/** A page that asks whether the process should be restarted (`livez`) or given work (`readyz`). */
export type Probe = keyof typeof probes;

/** The checks that `/<probe>/<name>` reaches; all of them when there is no name. Undefined: there is no such page. */
function checksOf(probe: Probe, name: string | undefined): readonly CheckName[] | undefined {
  const all: readonly CheckName[] = probes[probe];
  if (name === undefined) return all;
  const found = all.find((one) => one === name);
  return found === undefined ? undefined : [found];
}

/** True when the path is a page. */
export function isProbePath(probe: Probe, name: string | undefined): boolean {
  return checksOf(probe, name) !== undefined;
}

/**
 * Runs the checks and says how they went.
 * @param name a single check, which then cannot be excluded.
 */
export async function probePage(
  request: Readonly<{ probe: Probe; name: string | undefined; query: URLSearchParams; signal: AbortSignal }>,
  ports: HealthPorts,
): Promise<Response> {
  const { probe, name, query, signal } = request;
  const excluded = name === undefined ? query.getAll("exclude") : [];
  const all = checksOf(probe, name) ?? [];
  const unknown = excluded.filter((one) => !all.some((check) => check === one));
  if (unknown.length > 0) {
    ports.logger.warn("some health checks cannot be excluded", { "missing-health-checks": unknown.join(",") });
  }
  const lines: string[] = [];
  let isGood = true;
  for (const check of all) {
    if (excluded.includes(check)) continue;
    const reason = await checks[check](ports.member, signal);
    record(probe, check, reason === undefined, ports);
    isGood &&= reason === undefined;
    lines.push(reason === undefined ? `[+]${check} ok\n` : `[-]${check} failed: ${reason}\n`);
  }
  const report = lines.join("");
  if (isGood) return errorText(200, `${query.has("verbose") ? report : ""}ok\n`);
  ports.logger.error("Health check error", {
    path: `/${probe}${name === undefined ? "" : `/${name}`}`,
    reason: report,
    "status-code": 503,
  });
  return errorText(503, `${report}\n`);
}

function record(probe: Probe, check: CheckName, isGood: boolean, { metrics }: HealthPorts): void {
  metrics.etcd.etcd_server_healthcheck.with(probe, check).set(isGood ? 1 : 0);
  metrics.etcd.etcd_server_healthchecks_total.with(probe, check, isGood ? "success" : "error").add();
}
