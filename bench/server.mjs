// Starts a member to measure: Quorate from this checkout, or a peer's binary.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runLoad } from "./load.mjs";

export const quorateBinary = join(import.meta.dirname, "..", "bin", "quorate");

async function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** One member on a fresh directory, which goes with it. */
export class Server {
  constructor(name, binary) {
    this.name = name;
    this.binary = binary;
    this.directory = mkdtempSync(join(tmpdir(), "quorate-bench-"));
  }

  /** @returns the time from the start of the process to its first answer to a linearizable read, in seconds. */
  async start() {
    this.port ??= await freePort();
    this.peerPort ??= await freePort();
    const client = `http://127.0.0.1:${this.port}`;
    const peer = `http://127.0.0.1:${this.peerPort}`;
    const startedAt = performance.now();
    this.child = spawn(
      this.binary,
      [
        "--name=bench",
        `--data-dir=${this.directory}/data`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=bench=${peer}`,
        "--quota-backend-bytes=16000000000",
        "--log-level=error",
      ],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    this.exited = new Promise((resolve) => this.child.once("exit", resolve));
    for (;;) {
      const isUp = await runLoad({ op: "get", port: this.port, n: 1, inflight: 1, connections: 1 }).then(
        (result) => result.errors === 0,
        () => false,
      );
      if (isUp) return (performance.now() - startedAt) / 1000;
      if (this.child.exitCode !== null) throw new Error(`${this.name} ended with ${this.child.exitCode}`);
      await sleep(5);
    }
  }

  /** Resident memory in megabytes (of 10^6 bytes). */
  memory() {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, "utf8"));
    return (Number(line[1]) * 1024) / 1e6;
  }

  async stop(signal = "SIGTERM") {
    this.child.kill(signal);
    await this.exited;
  }

  async destroy() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.stop("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}
