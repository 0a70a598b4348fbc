import type { Random } from "@quorate/common";

/**
 * The pause before another attempt: it doubles with each round that failed, up to a bound, and up to half of it is left to chance, so
 * that members that lost each other at once do not come back at once.
 * @param failedRounds 0 for the first pause.
 */
export function backoffMs(
  failedRounds: number,
  bounds: Readonly<{ reconnectMinMs: number; reconnectMaxMs: number }>,
  random: Random,
): number {
  return partly(Math.min(bounds.reconnectMaxMs, bounds.reconnectMinMs * 2 ** Math.min(failedRounds, 30)), random);
}

/** Between half and all of a time. */
export function partly(ms: number, random: Random): number {
  return random.integer(Math.ceil(ms / 2), Math.ceil(ms));
}
