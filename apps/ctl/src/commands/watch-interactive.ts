import type { Watch } from "@quorate/client";
import { CommandFailure } from "../command-failure.js";
import type { Session } from "../connection/session.js";
import { ExitCode } from "../exit-codes.js";
import type { CommandContext } from "../frame/command.js";
import { parseArguments } from "../frame/parse-flags.js";
import { followWatch, openWatch } from "./follow-watch.js";
import { readWatchWords, type WatchValues, type WatchWords, watchFlags } from "./watch-words.js";
import { splitWords } from "./words.js";

type Context = CommandContext<typeof watchFlags>;

/** A watch that runs beside others, and how many notices of progress were asked for and have not come. */
type Running = { readonly watch: Watch<Uint8Array, Uint8Array>; asked: number };

/**
 * Reads lines `watch [options] <key> [range_end] [-- program]` and `progress` until the input ends, or something fails.
 * @param given what the environment gives as key and end.
 * @throws CommandFailure: always, since the end of the input is one.
 */
export async function watchInteractively(context: Context, given: readonly string[]): Promise<never> {
  const session = await context.connect();
  const interactive = new InteractiveWatch(session, context, given);
  const lines = context.world.stdin.lines()[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await Promise.race([lines.next(), interactive.failed]);
    if (done === true || !value.endsWith("\n")) break;
    await Promise.race([interactive.read(value.slice(0, -1)), interactive.failed]);
  }
  throw new CommandFailure(ExitCode.InvalidInput, "error reading watch request line: EOF");
}

class InteractiveWatch {
  readonly #session: Session;
  readonly #context: Context;
  readonly #given: readonly string[];
  readonly #running = new Set<Running>();
  /** Rejects when a watch fails in a way that ends the program. */
  readonly failed: Promise<never>;
  #fail: (error: unknown) => void = () => {};

  constructor(session: Session, context: Context, given: readonly string[]) {
    this.#session = session;
    this.#context = context;
    this.#given = given;
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {}); // whoever waits meanwhile gets it
  }

  async read(line: string): Promise<void> {
    const [command, ...words] = splitWords(line);
    switch (command) {
      case undefined:
        return this.#context.warn(`Invalid command: ${line} (watch and progress supported)`);
      case "progress":
        return this.#askProgress();
      case "watch":
        if (words.length > 0 || this.#given.length > 0) return this.#watch(line, words);
        return this.#context.warn(`Invalid command ${line} (command type or key is not provided)`);
      default:
        return this.#context.warn(`Invalid command ${line} (only support watch)`);
    }
  }

  #askProgress(): void {
    for (const one of this.#running) one.asked += 1;
    // All watches share a stream, and the answer on it is for each of them.
    [...this.#running][0]?.watch.requestProgress();
  }

  /** Returns when the member has created the watch, so that `progress` in the next line is about it, too. */
  async #watch(line: string, words: readonly string[]): Promise<void> {
    const request = this.#parse(line, words);
    if (request === undefined) return;
    const { flags } = request;
    const running: Running = {
      watch: openWatch(this.#session, request.words, { ...flags, interactive: true }),
      asked: 0,
    };
    this.#running.add(running);
    const isProgressWanted = () => {
      if (running.asked === 0) return flags["progress-notify"];
      running.asked -= 1;
      return true;
    };
    followWatch(running.watch, request.words, this.#context, isProgressWanted)
      .finally(() => this.#running.delete(running))
      .catch(this.#fail);
    await running.watch.ready.catch(() => {}); // said by `followWatch`
  }

  /** @returns undefined for a line that is only mentioned. @throws CommandFailure for one that ends the program. */
  #parse(line: string, argv: readonly string[]): { words: WatchWords; flags: WatchValues } | undefined {
    try {
      const parsed = parseArguments(argv, watchFlags);
      const flags = Object.fromEntries(parsed.values) as WatchValues;
      if (flags.prefix && parsed.args.length === 2 && parsed.argsBeforeDash === undefined) {
        this.#context.warn(`Invalid command ${line} (\`range_end\` and \`--prefix\` are mutually exclusive)`);
        return undefined;
      }
      return { words: readWatchWords(parsed, this.#given, flags.prefix), flags };
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      throw new CommandFailure(ExitCode.BadArguments, error.message);
    }
  }
}
