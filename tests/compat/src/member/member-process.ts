import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "./free-port.js";

/** Settings of one process; what is left out gets a free port, a fresh directory, or the checkout's `bin/quorate`. */
export type MemberOptions = {
  /** Program to run. Default: `$QUORATE_BINARY`, else `bin/quorate` of this checkout. */
  readonly binary?: string | undefined;
  /** Value of `--name`. Default "default". */
  readonly name?: string | undefined;
  /** Flags after the defaults; a flag given here replaces the default of that name. */
  readonly flags?: readonly string[] | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly clientPort?: number | undefined;
  readonly peerPort?: number | undefined;
  /** Scheme of the client URLs. */
  readonly scheme?: "http" | "https" | undefined;
};

/** How a process ended. Exactly one of the two is set. */
export type MemberExit = { readonly code: number | undefined; readonly signal: string | undefined };

const logBytesMax = 1_000_000;
const running = new Set<ChildProcess>();
process.once("exit", killMembers);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.once(signal, () => {
    killMembers();
    process.kill(process.pid, signal); // as if nobody had listened
  });
}

/** Ends every member that this process has started and that still runs: for the end of a test file, whatever became of its tests. */
export function killMembers(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** The program under test: `$QUORATE_BINARY`, else `bin/quorate` of this checkout. */
export function memberBinary(): string {
  return process.env.QUORATE_BINARY ?? fileURLToPath(new URL("../../../../bin/quorate", import.meta.url));
}

/**
 * One real member on free ports with a data directory of its own. `dispose` (or `await using`) kills it and removes the
 * directory; a process that is forgotten dies with this one.
 */
export class MemberProcess {
  readonly directory: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly #binary: string;
  readonly #arguments: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #exit: Promise<MemberExit> = Promise.resolve({ code: undefined, signal: "never started" });
  #log = "";

  private constructor(options: MemberOptions, directory: string, ports: { client: number; peer: number }) {
    this.directory = directory;
    this.clientPort = ports.client;
    this.peerPort = ports.peer;
    this.clientUrl = `${options.scheme ?? "http"}://127.0.0.1:${ports.client}`;
    this.peerUrl = `http://127.0.0.1:${ports.peer}`;
    this.#binary = options.binary ?? memberBinary();
    this.#environment = options.environment ?? {};
    const name = options.name ?? "default";
    const defaults = [
      `--name=${name}`,
      `--data-dir=${join(directory, "data")}`,
      `--listen-client-urls=${this.clientUrl}`,
      `--advertise-client-urls=${this.clientUrl}`,
      `--listen-peer-urls=${this.peerUrl}`,
      `--initial-advertise-peer-urls=${this.peerUrl}`,
      `--initial-cluster=${name}=${this.peerUrl}`,
    ];
    const flags = options.flags ?? [];
    const flagName = (flag: string) => flag.split("=", 1)[0];
    const given = new Set(flags.map(flagName));
    this.#arguments = [...defaults.filter((flag) => !given.has(flagName(flag))), ...flags];
  }

  /** Makes the directory and picks the ports; the process is not started yet. */
  static async prepare(options: MemberOptions = {}): Promise<MemberProcess> {
    const ports = {
      client: options.clientPort ?? (await findFreePort()),
      peer: options.peerPort ?? (await findFreePort()),
    };
    return new MemberProcess(options, mkdtempSync(join(tmpdir(), "quorate-member-")), ports);
  }

  /** `prepare`, `start` and `waitForPort` in one; cleans up when the start fails. */
  static async launch(options: MemberOptions = {}): Promise<MemberProcess> {
    const member = await MemberProcess.prepare(options);
    try {
      member.start();
      await member.waitForPort(member.clientPort);
      return member;
    } catch (error) {
      await member.dispose();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** What the process has printed since the first start, standard output and error together, the last megabyte. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when the process that runs now (or ran last) has ended. */
  get exit(): Promise<MemberExit> {
    return this.#exit;
  }

  /** Runs the program, with the same flags and data each time. */
  start(): void {
    if (this.#child !== undefined) throw new Error("the member runs already");
    const child = spawn(this.#binary, this.#arguments, {
      cwd: this.directory,
      env: { ...process.env, ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    running.add(child);
    const keep = (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString("utf8")).slice(-logBytesMax);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    this.#exit = new Promise((resolve) => {
      const ended = (exit: MemberExit) => {
        running.delete(child);
        if (this.#child === child) this.#child = undefined;
        resolve(exit);
      };
      child.once("error", (error) => {
        this.#log += `cannot start ${this.#binary}: ${error.message}\n`;
        ended({ code: -1, signal: undefined });
      });
      child.once("exit", (code, signal) => ended({ code: code ?? undefined, signal: signal ?? undefined }));
    });
  }

  /** Waits until something accepts connections on the port. @throws when the process ends first, or after `withinMs`. */
  async waitForPort(port: number, withinMs = 20_000): Promise<void> {
    const until = performance.now() + withinMs;
    while (!(await accepts(port))) {
      if (!this.isRunning) throw new Error(`the member ended while starting:\n${this.#log.slice(-4000)}`);
      if (performance.now() > until)
        throw new Error(`nothing listens on ${port} after ${withinMs} ms:\n${this.#log.slice(-4000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Sends a signal and waits for the end. @throws after `withinMs` (the process is then killed by SIGKILL). */
  async stop(signal: "SIGTERM" | "SIGKILL" | "SIGINT" = "SIGTERM", withinMs = 15_000): Promise<MemberExit> {
    const child = this.#child;
    if (child === undefined) return this.#exit;
    child.kill(signal);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), withinMs);
    });
    const end = await Promise.race([this.#exit, late]);
    clearTimeout(timer);
    if (end !== "late") return end;
    child.kill("SIGKILL");
    await this.#exit;
    throw new Error(`the member did not end within ${withinMs} ms of ${signal}:\n${this.#log.slice(-4000)}`);
  }

  /** Ends the process at once if it still runs and removes its directory. */
  async dispose(): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
