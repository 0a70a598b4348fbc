import { ClientError, rpcs } from "@quorate/client";
import { CommandFailure } from "../../command-failure.js";
import { errorText, isLoginFailure } from "../../connection/go-error.js";
import type { Session } from "../../connection/session.js";
import { ExitCode } from "../../exit-codes.js";
import type { CommandContext } from "../../frame/command.js";
import type { FlagTable } from "../../frame/flag-table.js";

/** The flag of commands that ask endpoints one by one. */
export const clusterFlags = {
  cluster: { kind: "bool", help: "use all endpoints from the cluster member list" },
} as const satisfies FlagTable;

/**
 * A session over the endpoints that a command is about: those of --endpoints, or all that the members have published.
 * @throws CommandFailure, exit code 1, when the list of members cannot be had
 */
export async function connectToChosen(context: CommandContext<typeof clusterFlags>): Promise<Session> {
  const session = await context.connect();
  if (!context.flags.cluster) return session;
  const { members } = await session
    .call(rpcs.memberList, { linearizable: true }, { timeoutMs: context.timeoutMs })
    .catch((error: unknown) => {
      if (!(error instanceof ClientError) || isLoginFailure(error)) throw error;
      const message = `failed to fetch endpoints from etcd cluster member list: ${errorText(error)}`;
      throw new CommandFailure(ExitCode.Error, message, { cause: error });
    });
  const endpoints = members.flatMap((member) => member.clientURLs);
  if (endpoints.length > 0) return context.connectTo({ endpoints });
  throw new CommandFailure(ExitCode.Error, "no member has published where it listens for clients");
}
