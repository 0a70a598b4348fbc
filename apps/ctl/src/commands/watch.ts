import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { defineCommand } from "../frame/command.js";
import { followWatch, openWatch } from "./follow-watch.js";
import { watchInteractively } from "./watch-interactive.js";
import { readWatchVariables, readWatchWords, watchFlags, watchVariables } from "./watch-words.js";

export const watch = defineCommand({
  name: "watch",
  usage: "[options] [key or prefix] [range_end] [--] [exec-command arg1 arg2 ...]",
  short: "Watches events stream on keys or prefixes",
  long: `Prints what happens to a key, a range of keys, or all keys with a prefix, until it is interrupted.

With a command behind '--', it is run for each event, with ETCD_WATCH_REVISION, ETCD_WATCH_EVENT_TYPE, ETCD_WATCH_KEY and
ETCD_WATCH_VALUE in its environment. The key can also come from ${watchVariables.join(" and ")}.`,
  group: "Key-value commands",
  flags: watchFlags,
  variables: watchVariables,
  async run(context) {
    const given = readWatchVariables(context.world);
    if (context.flags.interactive) return watchInteractively(context, given);
    const words = readWatchWords(context, given, context.flags.prefix);
    const session = await context.connect();
    await followWatch(openWatch(session, words, context.flags), words, context, () => context.flags["progress-notify"]);
    throw new CommandFailure(ExitCode.Interrupted, "watch is canceled by the server");
  },
});
