import type { Clock, Logger } from "@quorate/common";

/** Signals that ask the daemon to stop. */
export type StopSignal = "SIGTERM" | "SIGINT";

/** The process, as far as signals and its end go. */
export interface SignalPort {
  readonly pid: number;
  on(signal: StopSignal, run: () => void): void;
  off(signal: StopSignal, run: () => void): void;
  /** Sends a signal to this process. */
  raise(signal: StopSignal): void;
  exit(code: number): void;
}

const signals: readonly StopSignal[] = ["SIGTERM", "SIGINT"];
const goNames: Readonly<Record<StopSignal, string>> = { SIGTERM: "terminated", SIGINT: "interrupt" };

/**
 * Stops the member at the first signal, then lets the signal end the process, so that whoever waits for it sees that. A member that does not stop within
 * `deadlineMs` is left as it is: its data is safe, since whatever was acknowledged is on disk. Further signals change nothing.
 * @param stop answers what still runs and closes everything. What it throws is logged.
 */
export function stopOnSignals(
  stop: () => Promise<void>,
  options: { deadlineMs: number },
  ports: { process: SignalPort; clock: Clock; logger: Logger },
): void {
  const { process, clock, logger } = ports;
  let isStopping = false;
  const handlers = signals.map((signal) => {
    const run = (): void => {
      if (isStopping) return;
      isStopping = true;
      logger.info("received signal; shutting down", { signal: goNames[signal] });
      const timer = clock.after(options.deadlineMs, () => {
        logger.warn("graceful stop takes too long", { timeout: `${options.deadlineMs}ms` });
        end(signal);
      });
      stop()
        .catch((error: unknown) => logger.error("failed to stop", { error: String(error) }))
        .finally(() => {
          timer.cancel();
          end(signal);
        });
    };
    return { signal, run };
  });
  let isEnding = false;
  const end = (signal: StopSignal): void => {
    if (isEnding) return;
    isEnding = true;
    for (const handler of handlers) process.off(handler.signal, handler.run);
    // The kernel does not deliver signals without a handler to the first process.
    if (process.pid === 1) process.exit(0);
    else process.raise(signal);
  };
  for (const { signal, run } of handlers) process.on(signal, run);
}
