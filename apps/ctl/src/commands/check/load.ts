import { ClientError, rpcs } from "@quorate/client";
import { CommandFailure } from "../../command-failure.js";
import { errorText } from "../../connection/go-error.js";
import { noTimeout, type Session } from "../../connection/session.js";
import { ExitCode } from "../../exit-codes.js";
import { argumentBytes } from "../../frame/argument-bytes.js";
import type { CommandContext } from "../../frame/command.js";
import type { FlagTable } from "../../frame/flag-table.js";
import type { World } from "../../world.js";
import { prefixEnd, type WireRange } from "../key-range.js";

/** Sizes of the work that can be asked for. */
export type LoadName = "s" | "m" | "l" | "xl";

/** The flags of all checks. */
export const checkFlags = {
  load: { kind: "string", default: "s", help: "size of the work: s(small), m(medium), l(large), xl(xLarge)" },
  "auto-compact": { kind: "bool", help: "compact the history when it is over" },
  "auto-defrag": { kind: "bool", help: "defragment the storage when it is over" },
} as const satisfies FlagTable;

const loads: Readonly<Record<string, LoadName>> = {
  s: "s",
  small: "s",
  m: "m",
  medium: "m",
  l: "l",
  large: "l",
  xl: "xl",
  xLarge: "xl",
};

/** @throws CommandFailure, exit code 4 */
export function readLoad(name: string): LoadName {
  const load = Object.hasOwn(loads, name) ? loads[name] : undefined;
  if (load !== undefined) return load;
  throw new CommandFailure(ExitCode.BadFeature, `unknown load option ${name}`);
}

/** All keys that begin with a text. */
export function keysUnder(prefix: string): WireRange {
  const key = argumentBytes(prefix);
  return key.length === 0 ? { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) } : { key, rangeEnd: prefixEnd(key) };
}

/** Nothing of anybody else's may be under the prefix: all of it is deleted in the end. @throws CommandFailure, exit code 3 */
export async function demandNoKeys(session: Session, prefix: string, hint: string): Promise<void> {
  const { kvs } = await session.call(rpcs.range, { ...keysUnder(prefix), limit: 1n }, { timeoutMs: noTimeout });
  if (kvs.length > 0) throw new CommandFailure(ExitCode.InvalidInput, hint);
}

/** What became of the requests of a check. */
export class Outcomes {
  readonly #errors = new Map<string, number>();
  #count = 0;
  #sumSeconds = 0;
  #squaresSeconds = 0;
  #slowestSeconds = 0;

  /** Runs one request and counts it. */
  async measure(request: () => Promise<unknown>, { clock }: Pick<World, "clock">): Promise<void> {
    const startMs = clock.nowMs();
    try {
      await request();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const text = errorText(error);
      this.#errors.set(text, (this.#errors.get(text) ?? 0) + 1);
      return;
    }
    const seconds = (clock.nowMs() - startMs) / 1_000;
    this.#count += 1;
    this.#sumSeconds += seconds;
    this.#squaresSeconds += seconds * seconds;
    this.#slowestSeconds = Math.max(this.#slowestSeconds, seconds);
  }

  /** Requests that succeeded. */
  get count(): number {
    return this.#count;
  }

  get slowestSeconds(): number {
    return this.#slowestSeconds;
  }

  get deviationSeconds(): number {
    if (this.#count === 0) return 0;
    const mean = this.#sumSeconds / this.#count;
    return Math.sqrt(Math.max(0, this.#squaresSeconds / this.#count - mean * mean));
  }

  /** Lines about what failed; none if nothing did. */
  failureLines(): string[] {
    if (this.#errors.size === 0) return [];
    return ["FAIL: too many errors", ...[...this.#errors].map(([text, count]) => `FAIL: ERROR(${text}) -> ${count}`)];
  }
}

/** Deletes what a check has written, and gives the space back as far as the flags ask for it. */
export async function cleanUp(
  session: Session,
  keys: WireRange,
  context: CommandContext<typeof checkFlags>,
): Promise<void> {
  const { flags } = context;
  const print = (line: string) => context.printText((page) => page.line(line));
  const { header } = await session.call(rpcs.deleteRange, keys, { timeoutMs: noTimeout });
  const revision = header?.revision ?? 0n;
  if (flags["auto-compact"]) {
    print(`Compacting with revision ${revision}`);
    await session.call(rpcs.compact, { revision, physical: true }, { timeoutMs: noTimeout });
    print(`Compacted with revision ${revision}`);
  }
  if (!flags["auto-defrag"]) return;
  for (const endpoint of session.endpoints) {
    print(`Defragmenting "${endpoint}"`);
    await session.call(rpcs.defragment, {}, { endpoint, timeoutMs: noTimeout });
    print(`Defragmented "${endpoint}"`);
  }
}
