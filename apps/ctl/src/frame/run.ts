import { ClientError } from "@quorate/client";
import { CommandFailure } from "../command-failure.js";
import { failureOf } from "../connection/go-error.js";
import type { Session } from "../connection/session.js";
import { ExitCode } from "../exit-codes.js";
import { type Forms, formBytes, formNamed } from "../output/forms.js";
import { Page } from "../output/page.js";
import { ClosedPipe, type World } from "../world.js";
import type { Command, CommandContext } from "./command.js";
import { applyEnvironment, debugLines } from "./environment.js";
import { type FoundCommand, findCommand } from "./find-command.js";
import type { FlagTable } from "./flag-table.js";
import { type GlobalValues, globalFlags } from "./global-flags.js";
import { helpFlag, helpText, usageText } from "./help.js";
import { type ParsedArguments, parseArguments } from "./parse-flags.js";

/** Runs one command line. It never throws. @returns the exit code. */
export async function runCommandLine(root: Command, argv: readonly string[], world: World): Promise<number> {
  let found: FoundCommand | undefined;
  try {
    found = findCommand(root, argv, { ...globalFlags, help: helpFlag });
    return await runFound(found, world);
  } catch (error) {
    return report(error, found, world);
  }
}

async function runFound(found: FoundCommand, world: World): Promise<number> {
  const { command, path } = found;
  const parsed = parseArguments(found.rest, { ...globalFlags, ...command.flags, help: helpFlag });
  if (command.run === undefined || parsed.values.get("help") === true) {
    world.stdout.write(helpText(path));
    return ExitCode.Success;
  }
  const call = new Call(command, parsed, world);
  try {
    const result = await command.run(call);
    if (typeof result === "number") return result;
    if (result !== undefined) call.print(result);
    return ExitCode.Success;
  } finally {
    call.close();
  }
}

function report(error: unknown, found: FoundCommand | undefined, world: World): number {
  if (error instanceof ClosedPipe) return ExitCode.BrokenPipe;
  const failure = error instanceof ClientError ? failureOf(error) : error;
  try {
    world.stderr.write(failureText(failure, found));
  } catch {
    // Nobody can be told any more; the exit code still says it.
  }
  return failure instanceof CommandFailure ? failure.exitCode : ExitCode.Error;
}

function failureText(failure: unknown, found: FoundCommand | undefined): string {
  // Whatever else is thrown is a mistake in this program: where it was made helps.
  if (!(failure instanceof CommandFailure)) {
    return `Error: ${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}\n`;
  }
  if (failure.shown === "silent" || failure.message === "") return "";
  const usage = failure.shown === "usage" && found !== undefined ? `${usageText(found.path)}\n` : "";
  return `Error: ${failure.message}\n${usage}`;
}

class Call implements CommandContext<FlagTable> {
  readonly world: World;
  readonly #command: Command;
  readonly #parsed: ParsedArguments;
  readonly #sessions: Session[] = [];

  constructor(command: Command, parsed: ParsedArguments, world: World) {
    this.#command = command;
    this.#parsed = parsed;
    this.world = world;
  }

  get args(): readonly string[] {
    return this.#parsed.args;
  }

  get argsBeforeDash(): number | undefined {
    return this.#parsed.argsBeforeDash;
  }

  get flags() {
    return Object.fromEntries(this.#parsed.values);
  }

  get globals(): GlobalValues {
    // The table that the values were read by is the one that the type is made from.
    return this.flags as GlobalValues;
  }

  get timeoutMs(): number {
    return this.globals["command-timeout"];
  }

  isGiven(flag: string): boolean {
    return this.#parsed.given.has(flag);
  }

  async connect(): Promise<Session> {
    applyEnvironment(globalFlags, this.#parsed, this.#command.variables ?? [], this.world);
    if (this.globals.debug) this.world.stderr.write(debugLines(globalFlags, this.#parsed.values));
    return this.connectTo({});
  }

  async connectTo(changes: Partial<GlobalValues>): Promise<Session> {
    // Loaded here: commands that ask nobody start without HTTP/2.
    const { openSession } = await import("../connection/connect.js");
    const isGiven = (flag: string) => this.isGiven(flag) || Object.hasOwn(changes, flag);
    const session = await openSession({ ...this.globals, ...changes }, isGiven, this.world);
    this.#sessions.push(session);
    formNamed(this.globals["write-out"]);
    return session;
  }

  print(forms: Forms): void {
    const { "write-out": name, hex } = this.globals;
    this.world.stdout.write(formBytes(forms, formNamed(name), { isHex: hex }));
  }

  printText(write: (page: Page) => void): void {
    const page = new Page();
    write(page);
    this.world.stdout.write(page.toBytes());
  }

  warn(line: string): void {
    this.world.stderr.write(`${line}\n`);
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }
}
