import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/** Weight of the thread against others that want the processor: about a quarter of theirs. */
const niceness = 6;

/** Lets other threads come first from now on. Linux has priorities for single threads; elsewhere nothing happens, since a whole process is not meant. */
export function lowerThreadPriority(): void {
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    if (Number.isInteger(thread)) setPriority(thread, niceness);
  } catch {
    // Not Linux, or not allowed: it is a courtesy.
  }
}
