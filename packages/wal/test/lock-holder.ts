import { lockDirectory } from "@quorate/wal";

// Started by directory-lock.test.ts: locks a directory, says so, and stays until it is killed or its input ends.
const [directory = ""] = process.argv.slice(2);
const ignore = (): void => {};
const clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs: number, run: () => void) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore };
await lockDirectory(directory, { clock, logger });
process.stdout.write("locked\n");
process.stdin.resume();
