// A bigint is built from, and taken apart into, two 32-bit halves by way of one 8-byte cell. That is one allocation at most;
// shifting and adding bigints makes three. The halves lie in the machine's byte order.
const cell = new ArrayBuffer(8);

/** The cell as two 32-bit halves: `halves[lowHalf]` and `halves[highHalf]`. */
export const halves: Uint32Array = new Uint32Array(cell);
/** The cell as an int64. Storing takes any bigint modulo 2^64. */
export const asInt64: BigInt64Array = new BigInt64Array(cell);
/** The cell as a uint64. */
export const asUint64: BigUint64Array = new BigUint64Array(cell);

asUint64[0] = 1n;
/** Index of the less significant half in `halves`. */
export const lowHalf: 0 | 1 = halves[0] === 1 ? 0 : 1;
/** Index of the more significant half in `halves`. */
export const highHalf: 0 | 1 = lowHalf === 0 ? 1 : 0;

/** The bigints from 0 on that need no allocation: small counters, versions, TTLs. */
export const smallBigints: readonly bigint[] = Array.from({ length: 1024 }, (_, value) => BigInt(value));
