/** A random number from 0 to 1, the same sequence for the same seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** All numbers below `count`, each once, in an order that looks random: `orderOf(count)(i)` for i from 0. */
export function orderOf(count) {
  const greatestCommonDivisor = (a, b) => (b === 0 ? a : greatestCommonDivisor(b, a % b));
  let step = Math.floor(count * 0.618_033_988_7) | 1;
  while (greatestCommonDivisor(step, count) !== 1) step += 2;
  // Exact while count * count < 2^53, which is 94 million keys.
  return (i) => (i * step) % count;
}
