// Starts what is measured: one member or three, of Quorate from this checkout or of a peer's binary, each on a fresh directory.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runLoad } from "./load/unary.mjs";

const root = join(import.meta.dirname, "..");
export const quorateBinary = join(root, "bin", "quorate");
const fixtures = join(root, "packages/transport/test/fixtures");
const startMaxMs = 60_000;

/** What cannot be measured here, and why: said in a line, and no failure of the run. */
export class Skipped extends Error {}

async function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The last error that a log's JSON lines tell, else its last line. */
function lastErrorOf(log) {
  const lines = log.trim().split("\n");
  const told = [...log.matchAll(/"error":"((?:[^"\\]|\\.)*)"/g)];
  return told.at(-1)?.[1] ?? lines.at(-1);
}

/** One process. */
class Process {
  constructor(name, { binary, directory, port, peerPort, tls }) {
    Object.assign(this, { name, binary, directory, port, peerPort, tls });
    this.client = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
    this.peer = `http://127.0.0.1:${peerPort}`;
    this.logFile = join(directory, "log");
  }

  spawn(initialCluster, environment) {
    const words = [
      `--name=${this.name}`,
      `--data-dir=${this.directory}/data`,
      `--listen-client-urls=${this.client}`,
      `--advertise-client-urls=${this.client}`,
      `--listen-peer-urls=${this.peer}`,
      `--initial-advertise-peer-urls=${this.peer}`,
      `--initial-cluster=${initialCluster}`,
      "--quota-backend-bytes=16000000000",
      "--log-level=error",
    ];
    if (this.tls) words.push(`--cert-file=${fixtures}/server.crt`, `--key-file=${fixtures}/server.key`);
    const log = openSync(this.logFile, "a");
    this.startedAt = performance.now();
    this.child = spawn(this.binary, words, { stdio: ["ignore", log, log], env: { ...process.env, ...environment } });
    closeSync(log);
    this.exited = new Promise((resolve) => this.child.once("exit", resolve));
  }

  get hasEnded() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits for the first answer to a linearizable read. @returns seconds since the process was started. */
  async answered() {
    for (;;) {
      const isUp = await runLoad({ op: "get", port: this.port, n: 1, inflight: 1, connections: 1, tls: this.tls }).then(
        (result) => result.errors === 0,
        () => false,
      );
      if (isUp) return (performance.now() - this.startedAt) / 1000;
      if (this.hasEnded || performance.now() - this.startedAt > startMaxMs) {
        throw new Error(`${this.binary} does not serve: ${lastErrorOf(readFileSync(this.logFile, "utf8"))}`);
      }
      await sleep(5);
    }
  }

  /** Resident memory in megabytes (of 10^6 bytes). */
  memory() {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, "utf8"));
    return (Number(line[1]) * 1024) / 1e6;
  }

  /** Processor time so far in microseconds, by the name of the thread. */
  cpuByThread() {
    const tasks = `/proc/${this.child.pid}/task`;
    const times = {};
    for (const id of readdirSync(tasks)) {
      try {
        const name = readFileSync(`${tasks}/${id}/comm`, "utf8").trim();
        const microseconds = Number(readFileSync(`${tasks}/${id}/schedstat`, "utf8").split(" ")[0]) / 1000;
        const key = Number(id) === this.child.pid ? "main" : name;
        times[key] = (times[key] ?? 0) + microseconds;
      } catch {
        // A thread that ended while we looked takes its time with it.
      }
    }
    return times;
  }

  async stop(signal = "SIGTERM") {
    this.child.kill(signal);
    await this.exited;
  }
}

/** One member, or a cluster of several on this machine. */
export class Server {
  /** @param options `members` (1), `tls` for the client port (false), `environment` to be added for the process. */
  constructor(side, binary, { members = 1, tls = false, environment = {} } = {}) {
    Object.assign(this, { side, binary, count: members, tls, environment });
    this.directory = mkdtempSync(join(tmpdir(), "quorate-bench-"));
  }

  /** @returns the time from the start of the processes until each has answered a linearizable read, in seconds. */
  async start() {
    await this.prepare();
    for (const one of this.processes) one.spawn(this.initialCluster, this.environment);
    const times = await Promise.all(this.processes.map((one) => one.answered()));
    return Math.max(...times);
  }

  /** Chooses ports and makes directories. @returns the processes, none of which runs yet. */
  async prepare() {
    this.processes ??= await this.#prepare();
    return this.processes;
  }

  get initialCluster() {
    return this.processes.map(({ name, peer }) => `${name}=${peer}`).join(",");
  }

  async #prepare() {
    const processes = [];
    for (let i = 0; i < this.count; i++) {
      const directory = join(this.directory, `member-${i + 1}`);
      mkdirSync(directory);
      const ports = { port: await freePort(), peerPort: await freePort() };
      processes.push(new Process(`bench${i + 1}`, { binary: this.binary, directory, ...ports, tls: this.tls }));
    }
    return processes;
  }

  get port() {
    return this.processes[0].port;
  }

  get ports() {
    return this.processes.map(({ port }) => port);
  }

  get pid() {
    return this.processes[0].child.pid;
  }

  memory() {
    return this.processes.reduce((sum, one) => sum + one.memory(), 0);
  }

  /** Processor time of all members so far in microseconds, by the name of the thread. */
  cpuByThread() {
    const sum = {};
    for (const one of this.processes) {
      for (const [name, time] of Object.entries(one.cpuByThread())) sum[name] = (sum[name] ?? 0) + time;
    }
    return sum;
  }

  async stop(signal) {
    await Promise.all(this.processes.map((one) => one.stop(signal)));
  }

  /** Ends what still runs, and takes the files away. */
  async destroy() {
    const running = (this.processes ?? []).filter((one) => one.child !== undefined && !one.hasEnded);
    await Promise.all(running.map((one) => one.stop("SIGKILL")));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
