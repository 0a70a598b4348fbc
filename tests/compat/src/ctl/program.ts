import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { pace } from "./pace.js";
import { Mismatch } from "../mismatch.js";
import type { CtlInput, CtlStop } from "./ctl-case.js";

/** How a program is run. */
export type ProgramOptions = {
  readonly argv: readonly [program: string, ...words: string[]];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly input?: CtlInput | undefined;
  /** On a terminal: both outputs are then one, and input is given by `answer`. */
  readonly isTerminal?: boolean | undefined;
};

/** What a program left behind. */
export type ProgramResult = {
  /** Exit status, or the name of the signal that ended it. */
  readonly exit: number | string;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
};

const pieceEveryMs = 400;
const stopWithinMs = 16_000;
const afterLinesMs = 250;
const afterLogMs = 150;
const pollMs = 10;
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A program that runs, with everything that it has written so far. */
export class RunningProgram {
  readonly #child: ChildProcess;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #end: Promise<number | string>;
  readonly #startedMs = performance.now();
  #isOver = false;
  #answered = 0;

  constructor(options: ProgramOptions) {
    const isTerminal = options.isTerminal === true;
    const [program, ...words] = isTerminal ? onTerminal(options.argv) : options.argv;
    const child = spawn(program, words, {
      cwd: options.directory,
      env: { ...options.environment },
      stdio: [options.input === undefined && !isTerminal ? "ignore" : "pipe", "pipe", "pipe"],
    });
    this.#child = child;
    running.add(child);
    gather(child.stdout, this.#stdout);
    gather(child.stderr, this.#stderr);
    child.stdin?.on("error", () => {}); // whoever does not read its input shows that by its output
    this.#end = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#stderr.push(Buffer.from(`cannot start ${program}: ${error.message}\n`));
        resolve(-1);
      });
      child.once("close", (code, signal) => resolve(code ?? signal ?? -1));
    });
    void this.#end.then(() => {
      this.#isOver = true;
      running.delete(child);
    });
    if (options.input !== undefined) void this.#feed(options.input);
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString("utf8");
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString("utf8");
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Types something as soon as a text is shown, or gives up after a while. */
  async answer(text: string, input: string): Promise<void> {
    const before = this.#answered;
    const isShown = await this.until(() => this.stdout.indexOf(text, before) >= 0, stopWithinMs);
    if (!isShown) return; // what was shown instead says what is wrong
    this.#answered = this.stdout.indexOf(text, before) + text.length;
    this.#child.stdin?.write(input);
  }

  /** Stops it as the step says and waits for its end. @throws Mismatch when it has to be killed after `limitMs` */
  async finish(stop: CtlStop | undefined, limitMs: number): Promise<ProgramResult> {
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      this.kill("SIGKILL");
    }, pace.stretch(limitMs));
    if (stop !== undefined) {
      await this.#waitFor(stop);
      if (stop.signal !== undefined) this.kill(stop.signal);
    }
    const exit = await this.#end;
    clearTimeout(limit);
    if (stop === undefined) pace.note(performance.now() - this.#startedMs);
    if (isLate)
      throw new Mismatch(
        `it did not end within ${limitMs} ms:\n${this.stdout.slice(-2000)}${this.stderr.slice(-2000)}`,
      );
    return { exit, stdout: Buffer.concat(this.#stdout), stderr: Buffer.concat(this.#stderr) };
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.#child.kill(signal);
  }

  /** Waits until a condition holds, the program is over, or the time is. @returns whether the condition held */
  async until(condition: () => boolean, withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (!condition()) {
      if (this.#isOver || performance.now() > until) return false;
      await pause(pollMs);
    }
    return true;
  }

  async #waitFor(stop: CtlStop): Promise<void> {
    const { lines, log, ms, bytes } = stop;
    if (bytes !== undefined) await this.until(() => this.stdout.length >= bytes, stopWithinMs);
    if (lines !== undefined && (await this.until(() => countLines(this.#stdout) >= lines, stopWithinMs)))
      await this.until(() => false, afterLinesMs);
    if (log !== undefined && (await this.until(() => this.stderr.includes(log), stopWithinMs)))
      await this.until(() => false, afterLogMs);
    if (ms !== undefined) await this.until(() => false, pace.stretch(ms));
  }

  async #feed(input: CtlInput): Promise<void> {
    const { stdin } = this.#child;
    if (typeof input === "string") stdin?.end(input);
    else if ("repeat" in input) stdin?.end(input.repeat.repeat(input.times));
    else {
      for (const [index, piece] of input.entries()) {
        if (index > 0) await settle(pieceEveryMs);
        stdin?.write(piece);
      }
      await settle(pieceEveryMs);
      stdin?.end();
    }
  }
}

/** The same program with a terminal of its own. `script` passes its exit status on. */
function onTerminal(argv: readonly string[]): [string, ...string[]] {
  const command = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  return ["script", "-qec", `exec ${command}`, "/dev/null"];
}

function gather(stream: Readable | null, into: Buffer[]): void {
  stream?.on("data", (chunk: Buffer) => into.push(chunk));
}

function countLines(chunks: readonly Buffer[]): number {
  let lines = 0;
  for (const chunk of chunks) for (const byte of chunk) if (byte === 0x0a) lines++;
  return lines;
}

/** Waits as long as a case says, or longer where programs are slow. */
export function settle(ms: number): Promise<void> {
  return pause(pace.stretch(ms));
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
