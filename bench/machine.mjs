// What the figures depend on and nobody can see in them later.
import { spawnSync } from "node:child_process";
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const output = (command, ...words) => spawnSync(command, words, { encoding: "utf8", cwd: root }).stdout?.trim() ?? "";

/** The machine, the versions, and the commit. */
export function machineFacts() {
  return {
    processors: cpus().length,
    processor: cpus()[0]?.model ?? "unknown",
    memoryGb: Math.round(totalmem() / 1e9),
    system: `Linux ${release()}`,
    fileSystem: output("stat", "-f", "-c", "%T", tmpdir()),
    node: process.version,
    commit: output("git", "rev-parse", "--short", "HEAD"),
    isCommitClean: output("git", "status", "--porcelain", "--untracked-files=no") === "",
    loadBefore: loadavg()[0],
  };
}

/** The name and version of this checkout. */
export const ownVersion = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;

/** What a peer's binary says it is. */
export const versionOf = (binary) => output(binary, "--version").split("\n")[0].replace(" Version:", "");

const blockBytes = 4096;
const fileBytes = 1 << 20;

/** How long the disk takes to make one block durable, in microseconds: plain writes over space that is already there, one after the other. */
export function measureSync(count) {
  const directory = mkdtempSync(join(tmpdir(), "quorate-bench-"));
  const descriptor = openSync(join(directory, "plain"), "w");
  try {
    writeSync(descriptor, Buffer.alloc(fileBytes));
    fsyncSync(descriptor);
    const block = Buffer.alloc(blockBytes, 1);
    const times = [];
    for (let i = 0; i < count; i++) {
      const began = performance.now();
      writeSync(descriptor, block, 0, blockBytes, (i * blockBytes) % fileBytes);
      fdatasyncSync(descriptor);
      times.push((performance.now() - began) * 1000);
    }
    times.sort((a, b) => a - b);
    const at = (share) => Math.round(times[Math.floor((count - 1) * share)]);
    return { p50us: at(0.5), p99us: at(0.99) };
  } finally {
    closeSync(descriptor);
    rmSync(directory, { recursive: true });
  }
}
