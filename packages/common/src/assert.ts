/** A broken invariant: the process must stop before it serves guesses. Never caught to go on. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * States an invariant. Stays on in production.
 * @param invariant the invariant in words, as it should hold.
 * @throws AssertionError when `condition` is false.
 */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new AssertionError(`broken invariant: ${invariant}`);
}

/** Ends a `switch` over a union: does not compile while a case is missing. @throws AssertionError always. */
export function assertNever(value: never, subject: string): never {
  throw new AssertionError(`broken invariant: unknown ${subject} ${JSON.stringify(value)}`);
}
