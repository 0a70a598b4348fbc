import { ClientError } from "@quorate/client";
import { CommandFailure } from "../../command-failure.js";
import { ExitCode } from "../../exit-codes.js";
import type { World } from "../../world.js";

/** What runs until a signal ends it in good order: the first SIGINT or SIGTERM aborts, and does not end the program. */
export async function untilInterrupted<T>(world: World, run: (interrupted: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const takeBack = world.onInterrupt(() => interrupted.abort());
  try {
    return await run(interrupted.signal);
  } finally {
    takeBack();
  }
}

/** Resolves when either is aborted. */
export function whenAborted(...signals: readonly AbortSignal[]): Promise<void> {
  const either = AbortSignal.any([...signals]);
  if (either.aborted) return Promise.resolve();
  return new Promise((resolve) => either.addEventListener("abort", () => resolve(), { once: true }));
}

/** What a wait that was interrupted ends with; other failures stay what they are. */
export function interruption(error: unknown, interrupted: AbortSignal): unknown {
  if (!interrupted.aborted || !(error instanceof ClientError)) return error;
  return new CommandFailure(ExitCode.Error, "context canceled", { cause: error });
}
