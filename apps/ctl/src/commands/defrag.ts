import { ClientError, rpcs } from "@quorate/client";
import { errorText, isLoginFailure } from "../connection/go-error.js";
import { ExitCode } from "../exit-codes.js";
import { defineCommand } from "../frame/command.js";
import { formatDuration } from "../frame/go-values.js";
import { clusterFlags, connectToChosen } from "./endpoint/chosen-endpoints.js";

export const defrag = defineCommand({
  name: "defrag",
  short: "Defragments the storage of the etcd members with given endpoints",
  group: "Cluster maintenance commands",
  flags: clusterFlags,
  async run(context) {
    const session = await connectToChosen(context);
    const { clock } = context.world;
    let failures = 0;
    for (const endpoint of session.endpoints) {
      const startMs = clock.nowMs();
      const took = () => formatDuration(clock.nowMs() - startMs);
      try {
        await session.call(rpcs.defragment, {}, { endpoint, timeoutMs: context.timeoutMs });
        const line = `Finished defragmenting etcd member[${endpoint}]. took ${took()}`;
        context.printText((page) => page.line(line));
      } catch (error) {
        if (!(error instanceof ClientError) || isLoginFailure(error)) throw error;
        context.warn(`Failed to defragment etcd member[${endpoint}]. took ${took()}. (${errorText(error)})`);
        failures += 1;
      }
    }
    return failures === 0 ? ExitCode.Success : ExitCode.Error;
  },
});
