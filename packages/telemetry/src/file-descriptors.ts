import { readdirSync, readFileSync } from "node:fs";

/** File descriptors of this process: open ones, and how many it may open. Both 0 where the system does not tell. */
export function readFileDescriptors(): { used: number; limit: number } {
  return { used: countOpen(), limit: readLimit() };
}

function countOpen(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0; // no /proc here: a gauge of 0 is what etcd shows there
  }
}

function readLimit(): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return found === null ? 0 : Number(found[1]);
  } catch {
    return 0; // as above
  }
}
