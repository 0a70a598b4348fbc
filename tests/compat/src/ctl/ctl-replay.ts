import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../member/free-port.js";
import { memberBinary } from "../member/member-process.js";
import { Mismatch } from "../mismatch.js";
import { certificateFiles, CtlCluster } from "./cluster.js";
import type { CtlCase, CtlStep, CtlWanted, FinishStep, RunStep } from "./ctl-case.js";
import { canonicalLogs, readLogs } from "./log-lines.js";
import { Names } from "./names.js";
import {
  foldHelp,
  foldUsage,
  normalise,
  normaliseHex,
  normaliseWanted,
  type Program,
  withoutLogs,
} from "./normalise.js";
import { type ProgramResult, RunningProgram, settle } from "./program.js";

const portsOfACase = 5;
const defaultLimitSeconds = 25;
const readyWithinMs = 20_000;

/** What a replay needs beside the case. */
export type CtlReplayOptions = {
  /** Directory with the certificates (absolute). */
  readonly fixtures: string;
  /** The programs under test. Default: `programPaths()`. */
  readonly programs?: ReadonlyMap<string, string> | undefined;
};

/**
 * Where the programs are that the cases name: for etcdctl `$QUORATECTL_BINARY`, else `bin/etcdctl` of this checkout, which is quoratectl
 * by the name that its messages are to show; the daemon and `bin/etcdutl` for the others.
 */
export function programPaths(): ReadonlyMap<string, string> {
  const inBin = (name: string) => fileURLToPath(new URL(`../../../../bin/${name}`, import.meta.url));
  return new Map([
    ["etcdctl", process.env.QUORATECTL_BINARY ?? inBin("etcdctl")],
    ["etcdutl", process.env.ETCDUTL_BINARY ?? inBin("etcdutl")],
    ["etcd", memberBinary()],
    ["sh", "/bin/sh"],
  ]);
}

/** Replays one case in an empty directory. @throws Mismatch with the step's number, what was wanted and what came */
export async function replayCtlCase(one: CtlCase, options: CtlReplayOptions): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "quorate-ctl-"));
  const replay = new CtlReplay(directory, options.programs ?? programPaths());
  try {
    await replay.prepare(one, options.fixtures);
    for (const [index, step] of one.steps.entries()) {
      try {
        await replay.run(step);
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error;
        const words = "argv" in step ? step.argv.join(" ") : JSON.stringify(step).slice(0, 300);
        throw new Mismatch(`step ${index + 1}: ${words}\n${error.message}`, { cause: error });
      }
    }
  } finally {
    await replay.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

type Started = { readonly program: RunningProgram; readonly kind: Program };

class CtlReplay {
  readonly #home: string;
  readonly #certificates: string;
  readonly #programs: ReadonlyMap<string, string>;
  readonly #names = new Names();
  readonly #background = new Map<string, Started>();
  #cluster: CtlCluster | undefined;
  #foreground: RunningProgram | undefined;

  constructor(directory: string, programs: ReadonlyMap<string, string>) {
    this.#home = join(directory, "home");
    this.#certificates = join(directory, "certs");
    this.#programs = programs;
  }

  /** Lays out the directory and starts the servers. */
  async prepare(one: CtlCase, fixtures: string): Promise<void> {
    mkdirSync(this.#home);
    mkdirSync(this.#certificates);
    for (const [name, file] of certificateFiles) copyFileSync(join(fixtures, file), join(this.#certificates, name));
    const client = await ports(portsOfACase);
    const peer = await ports(portsOfACase);
    for (const [index, port] of client.entries()) this.#names.set(`EP${index + 1}`, `127.0.0.1:${port}`);
    for (const [index, port] of peer.entries()) this.#names.set(`PEER${index + 1}`, `127.0.0.1:${port}`);
    const scheme = one.server?.tls === undefined ? "" : "https://";
    const endpoints = client.slice(0, one.server?.members ?? 1).map((port) => `${scheme}127.0.0.1:${port}`);
    this.#names.set("ENDPOINTS", endpoints.join(","));
    this.#names.set("DEAD", `127.0.0.1:${await findFreePort()}`);
    this.#names.set("TMP", this.#home);
    this.#names.set("CERTS", this.#certificates);
    if (one.server === null) return;
    const directories = { data: this.#home, certificates: this.#certificates };
    this.#cluster = await CtlCluster.start(one.server, { client, peer }, directories);
  }

  async close(): Promise<void> {
    const programs = [...this.#background.values()].map(({ program }) => program);
    if (this.#foreground !== undefined) programs.push(this.#foreground);
    for (const program of programs) program.kill("SIGKILL");
    await this.#cluster?.dispose();
  }

  async run(step: CtlStep): Promise<void> {
    if ("argv" in step) return this.#program(step);
    if ("finish" in step) return this.#finish(step);
    if ("sleep_ms" in step) return settle(step.sleep_ms);
    if ("stop_member" in step) return this.#cluster?.stop(step.stop_member, step.signal ?? "SIGKILL");
    for (const [name, text] of Object.entries(step.write))
      writeFileSync(join(this.#home, this.#names.fill(name)), this.#names.fill(text));
  }

  async #program(step: RunStep): Promise<void> {
    const [name = "", ...words] = step.argv.map((word) => this.#names.fill(word));
    const path = this.#programs.get(name);
    if (path === undefined) throw new Mismatch(`no program ${name}`);
    const filled = Object.entries(step.env ?? {}).map(([key, value]) => [key, this.#names.fill(value)]);
    const program = new RunningProgram({
      argv: [path, ...words],
      directory: this.#home,
      environment: {
        PATH: process.env.PATH ?? "",
        HOME: this.#home,
        LANG: "C.UTF-8",
        ...(Object.fromEntries(filled) as Record<string, string>),
      },
      input: this.#input(step),
      isTerminal: step.tty,
    });
    const kind = name as Program;
    if (step.background !== undefined) {
      this.#background.set(step.background, { program, kind });
      return this.#settle(step, program, kind);
    }
    this.#foreground = program;
    for (const [text, input] of step.dialog ?? []) await program.answer(text, input);
    const result = await program.finish(step.stop, (step.limit_s ?? defaultLimitSeconds) * 1000);
    this.#capture(step, result);
    this.#compare(step, step.tty === true ? asShown(result) : result, kind);
  }

  #input({ stdin }: RunStep): RunStep["stdin"] {
    if (typeof stdin === "string") return this.#names.fill(stdin);
    if (stdin === undefined || "repeat" in stdin) return stdin;
    return stdin.map((piece) => this.#names.fill(piece));
  }

  /** Lets a program in the background come to rest; a daemon until it is ready. */
  async #settle(step: RunStep, program: RunningProgram, kind: Program): Promise<void> {
    if (kind === "etcd" && step.no_ready !== true) {
      const isReady = await program.until(
        () => program.stderr.includes("ready to serve client requests"),
        readyWithinMs,
      );
      if (!isReady) throw new Mismatch(`the daemon did not get ready:\n${program.stderr.slice(-2000)}`);
    }
    await settle(step.settle_ms ?? 0);
  }

  async #finish(step: FinishStep): Promise<void> {
    const started = this.#background.get(step.finish);
    if (started === undefined) throw new Mismatch(`nothing called ${step.finish} was started`);
    const result = await started.program.finish(step.stop, (step.limit_s ?? defaultLimitSeconds) * 1000);
    this.#background.delete(step.finish);
    this.#compare(step, result, started.kind);
  }

  #capture(step: RunStep, result: ProgramResult): void {
    for (const [name, pattern] of Object.entries(step.capture ?? {})) {
      const found = new RegExp(pattern, "m").exec(result.stdout.toString("utf8"))?.[1];
      if (found === undefined) throw new Mismatch(`nothing for {${name}} in:\n${result.stdout}${result.stderr}`);
      this.#names.set(name, found);
    }
  }

  #compare(wanted: CtlWanted, result: ProgramResult, program: Program): void {
    const stderr = result.stderr.toString("utf8");
    const shown = () => `stdout:\n${result.stdout.toString("utf8").slice(-1500)}\nstderr:\n${stderr.slice(-1500)}`;
    if (wanted.exit !== result.exit) throw new Mismatch(`exit ${wanted.exit} wanted, not ${result.exit}\n${shown()}`);
    if (wanted.only_exit === true) return;
    const reading = { program, volatile: wanted.volatile ?? [], names: this.#names };
    const want = normaliseWanted(wanted, reading);
    if (wanted.stdout_hex !== undefined) demand("stdout in hex", wanted.stdout_hex, normaliseHex(result.stdout));
    else if (wanted.nonempty === true) demand("stdout", true, result.stdout.length > 0);
    else demand("stdout", want.stdout, foldHelp(normalise(result.stdout.toString("utf8"), reading)));
    demand("stderr", want.stderr, foldUsage(normalise(withoutLogs(stderr), reading)));
    // What a daemon logs is compared by the tests of the daemon.
    if (program !== "etcdctl" && program !== "etcdutl") return;
    const logs = readLogs(stderr, (text) => normalise(text, reading));
    demand("log lines", canonicalLogs(wanted.logs ?? []).join("\n"), logs.join("\n"));
  }
}

function demand(what: string, wanted: string | boolean, came: string | boolean): void {
  if (wanted === came) return;
  throw new Mismatch(`${what}: wanted\n${indent(String(wanted))}\n  came\n${indent(String(came))}`);
}

function indent(text: string): string {
  const cut = text.length > 4000 ? `${text.slice(0, 4000)}…` : text;
  return cut.replace(/^/gm, "    | ");
}

/** What a terminal has shown, as the cases keep it: no carriage returns, no log lines. */
function asShown({ exit, stdout }: ProgramResult): ProgramResult {
  const text = withoutLogs(stdout.toString("utf8").replaceAll("\r\n", "\n"));
  return { exit, stdout: Buffer.from(text), stderr: Buffer.alloc(0) };
}

async function ports(count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) found.push(await findFreePort());
  return found;
}
