import { ClientError, rpcs } from "@quorate/client";
import { AlarmRequest_AlarmAction, AlarmType } from "@quorate/proto";
import { CommandFailure } from "../../command-failure.js";
import { errorText, isLoginFailure } from "../../connection/go-error.js";
import type { Session } from "../../connection/session.js";
import { ExitCode } from "../../exit-codes.js";
import { defineCommand } from "../../frame/command.js";
import { formatDuration } from "../../frame/go-values.js";
import type { Forms } from "../../output/forms.js";
import type { Clock } from "@quorate/client";
import { clusterFlags, connectToChosen } from "./chosen-endpoints.js";

/** How one endpoint did. */
type Health = {
  readonly endpoint: string;
  readonly isHealthy: boolean;
  readonly took: string;
  /** Why it is not healthy; empty if it is. */
  readonly error: string;
};

const probedKey = new TextEncoder().encode("health");
const alarmWords = new Map<number, string>([
  [AlarmType.NOSPACE, "NOSPACE "],
  [AlarmType.CORRUPT, "CORRUPT "],
]);

export const endpointHealth = defineCommand({
  name: "health",
  short: "Checks the healthiness of endpoints specified in `--endpoints` flag",
  long: "Asks each endpoint for a key, which takes a leader and a quorum to answer, and for alarms.",
  flags: clusterFlags,
  async run(context) {
    const session = await connectToChosen(context);
    const { clock } = context.world;
    const results: Health[] = [];
    await Promise.all(
      session.endpoints.map(async (endpoint) => {
        results.push(await probe(session, endpoint, { timeoutMs: context.timeoutMs, clock }));
      }),
    );
    context.print(formsOf(results, (line) => context.warn(line)));
    if (results.every((one) => one.isHealthy)) return undefined;
    throw new CommandFailure(ExitCode.Error, "unhealthy cluster");
  },
});

async function probe(
  session: Session,
  endpoint: string,
  { timeoutMs, clock }: { timeoutMs: number; clock: Clock },
): Promise<Health> {
  const startMs = clock.nowMs();
  let error = "";
  try {
    await session.call(rpcs.range, { key: probedKey }, { endpoint, timeoutMs });
  } catch (caught) {
    if (!(caught instanceof ClientError) || isLoginFailure(caught)) throw caught;
    // A member that refuses the user has found out so with a quorum.
    if (caught.code !== "etcd/permission-denied") error = errorText(caught);
  }
  const tookMs = clock.nowMs() - startMs;
  if (error === "") error = await alarmsOf(session, endpoint, timeoutMs - tookMs);
  return { endpoint, isHealthy: error === "", took: formatDuration(tookMs), error };
}

async function alarmsOf(session: Session, endpoint: string, timeoutMs: number): Promise<string> {
  try {
    const request = { action: AlarmRequest_AlarmAction.GET };
    const { alarms } = await session.call(rpcs.alarmList, request, { endpoint, timeoutMs });
    if (alarms.length === 0) return "";
    return `Active Alarm(s): ${alarms.map(({ alarm }) => alarmWords.get(alarm) ?? "UNKNOWN ").join("")}`;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return "Unable to fetch the alarm list"; // what failed is in the log
  }
}

function formsOf(results: readonly Health[], warn: (line: string) => void): Forms {
  return {
    simple(page) {
      for (const { endpoint, took, error } of results) {
        if (error === "") page.line(`${endpoint} is healthy: successfully committed proposal: took = ${took}`);
        else warn(`${endpoint} is unhealthy: failed to commit proposal: ${error}`);
      }
    },
    fields(page) {
      for (const { endpoint, isHealthy, took, error } of results) {
        page
          .quotedField("Endpoint", endpoint)
          .field("Health", isHealthy)
          .field("Took", took)
          .field("Error", error)
          .line();
      }
    },
    json: () =>
      results.map(({ endpoint, isHealthy, took, error }) => {
        return { endpoint, health: isHealthy, took, ...(error === "" ? {} : { error }) };
      }),
    table: () => ({
      header: ["endpoint", "health", "took", "error"],
      rows: results.map(({ endpoint, isHealthy, took, error }) => [endpoint, String(isHealthy), took, error]),
    }),
  };
}
