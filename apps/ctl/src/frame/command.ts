import type { Session } from "../connection/session.js";
import type { Forms } from "../output/forms.js";
import type { Page } from "../output/page.js";
import type { World } from "../world.js";
import type { FlagTable, FlagValues } from "./flag-table.js";
import type { GlobalValues } from "./global-flags.js";

/** Headings of the help, in its order. */
export const groups = [
  "Key-value commands",
  "Cluster maintenance commands",
  "Concurrency commands",
  "Authentication commands",
  "Utility commands",
] as const;

/** What a command sees of its call. */
export interface CommandContext<F extends FlagTable> {
  /** Arguments without flags. */
  readonly args: readonly string[];
  /** How many of `args` stand in front of `--`; `undefined` without it. */
  readonly argsBeforeDash: number | undefined;
  readonly flags: FlagValues<F>;
  /** The global flags. Before `connect` they are as on the command line, afterwards also as the environment says. */
  readonly globals: GlobalValues;
  /** Whether a flag, the command's own or a global one, was given on the command line. */
  isGiven(flag: string): boolean;
  readonly world: World;
  /** --command-timeout in milliseconds, as `globals` has it now: read it before `connect` to leave the environment out. */
  readonly timeoutMs: number;
  /**
   * Reads the environment, checks --write-out and the options of connections, and makes the client. Call it after the arguments
   * have been checked. Nothing is connected before the first request. The frame closes it.
   * @throws CommandFailure
   */
  connect(): Promise<Session>;
  /** A further connection, with some global flags changed; it does not read the environment again. */
  connectTo(changes: Partial<GlobalValues>): Promise<Session>;
  /** Prints in the form of --write-out. @throws CommandFailure for a form that is not there. */
  print(forms: Forms): void;
  /** Prints whatever --write-out says. */
  printText(write: (page: Page) => void): void;
  /** A line on standard error. */
  warn(line: string): void;
}

/** One command, or a group of them. */
export type Command = CommandSpec<FlagTable>;

/** How a command is written down. */
export interface CommandSpec<F extends FlagTable> {
  readonly name: string;
  /** Arguments, as in the usage line: "[options] <key> <value>". */
  readonly usage?: string;
  /** One line, for lists. */
  readonly short: string;
  /** For the command's own help; default: `short`. */
  readonly long?: string;
  /** Heading in the help of the program. Only at the top level. */
  readonly group?: (typeof groups)[number];
  readonly flags?: F;
  /** Commands below this one. A command without `run` is a group and prints its help. */
  readonly commands?: readonly Command[];
  /** Variables of the environment that this command reads itself. */
  readonly variables?: readonly string[];
  /** The answer is printed in the form of --write-out; a number is the exit code. @throws CommandFailure, ClientError */
  run?(context: CommandContext<F>): Promise<Forms | number | undefined>;
}

/** Keeps the types of the flags for `run`. */
export function defineCommand<const F extends FlagTable>(command: CommandSpec<F>): Command {
  return command;
}
