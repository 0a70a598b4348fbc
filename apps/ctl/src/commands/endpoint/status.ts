import { ClientError, rpcs } from "@quorate/client";
import { StatusResponse } from "@quorate/proto";
import { errorText, isLoginFailure } from "../../connection/go-error.js";
import { ExitCode } from "../../exit-codes.js";
import { defineCommand } from "../../frame/command.js";
import type { Forms, PrintOptions } from "../../output/forms.js";
import { messageJson } from "../../output/json.js";
import type { Page } from "../../output/page.js";
import { printHeaderFields } from "../../output/pairs.js";
import { sizeText } from "../../output/size-text.js";
import { clusterFlags, connectToChosen } from "./chosen-endpoints.js";

type Found = { readonly endpoint: string; readonly status: StatusResponse };

export const endpointStatus = defineCommand({
  name: "status",
  short: "Prints out the status of endpoints specified in `--endpoints` flag",
  long: `When --write-out is set to simple, this command prints a line for each endpoint.
The items in it are endpoint, ID, version, storage version, db size, in use, percentage not in use, quota, is leader,
is learner, raft term, raft index, raft applied index, errors, downgrade target version, downgrade enabled.`,
  flags: clusterFlags,
  async run(context) {
    const session = await connectToChosen(context);
    const found: Found[] = [];
    let isComplete = true;
    for (const endpoint of session.endpoints) {
      try {
        const status = await session.call(rpcs.status, {}, { endpoint, timeoutMs: context.timeoutMs });
        found.push({ endpoint, status });
      } catch (error) {
        if (!(error instanceof ClientError) || isLoginFailure(error)) throw error;
        context.warn(`Failed to get the status of endpoint ${endpoint} (${errorText(error)})`);
        isComplete = false;
      }
    }
    context.print(formsOf(found));
    return isComplete ? ExitCode.Success : ExitCode.Error;
  },
});

function formsOf(found: readonly Found[]): Forms {
  return {
    simple(page) {
      for (const one of found) page.line(rowOf(one).join(", "));
    },
    fields(page, options) {
      for (const one of found) printFields(page, one, options);
    },
    json: () => {
      if (found.length === 0) return null;
      return found.map(({ endpoint, status }) => ({
        Endpoint: endpoint,
        Status: messageJson(StatusResponse.name, status),
      }));
    },
    table: () => ({ header: columns, rows: found.map(rowOf) }),
  };
}

const columns = [
  "endpoint",
  "ID",
  "version",
  "storage version",
  "db size",
  "in use",
  "percentage not in use",
  "quota",
  "is leader",
  "is learner",
  "raft term",
  "raft index",
  "raft applied index",
  "errors",
  "downgrade target version",
  "downgrade enabled",
];

function rowOf({ endpoint, status }: Found): string[] {
  const memberId = status.header?.memberId ?? 0n;
  const { dbSize, dbSizeInUse, downgradeInfo } = status;
  const usedPercent = dbSize === 0n ? 100n : (dbSizeInUse * 100n) / dbSize;
  return [
    endpoint,
    memberId.toString(16),
    status.version,
    status.storageVersion,
    sizeText(dbSize),
    sizeText(dbSizeInUse),
    `${100n - usedPercent}%`,
    sizeText(status.dbSizeQuota),
    String(status.leader === memberId),
    String(status.isLearner),
    String(status.raftTerm),
    String(status.raftIndex),
    String(status.raftAppliedIndex),
    status.errors.join(", "),
    downgradeInfo?.targetVersion ?? "",
    String(downgradeInfo?.enabled ?? false),
  ];
}

function printFields(page: Page, { endpoint, status }: Found, options: PrintOptions): void {
  printHeaderFields(page, status.header, options);
  page
    .quotedField("Version", status.version)
    .quotedField("StorageVersion", status.storageVersion)
    .field("DBSize", status.dbSize)
    .field("DBSizeInUse", status.dbSizeInUse)
    .field("DBSizeQuota", status.dbSizeQuota)
    .field("Leader", options.isHex ? status.leader.toString(16) : status.leader)
    .field("IsLearner", status.isLearner)
    .field("RaftIndex", status.raftIndex)
    .field("RaftTerm", status.raftTerm)
    .field("RaftAppliedIndex", status.raftAppliedIndex)
    .field("Errors", `[${status.errors.join(" ")}]`)
    .quotedField("Endpoint", endpoint)
    .quotedField("DowngradeTargetVersion", status.downgradeInfo?.targetVersion ?? "")
    .field("DowngradeEnabled", status.downgradeInfo?.enabled ?? false)
    .line();
}
