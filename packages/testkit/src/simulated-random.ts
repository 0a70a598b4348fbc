import { assert, type Random } from "@quorate/common";

/**
 * Randomness that a seed decides: the same seed and the same calls give the same values, on every machine.
 * @see Blackman and Vigna, Scrambled Linear Pseudorandom Number Generators, 2019 (xoshiro128**; seeded by splitmix32).
 */
export class SimulatedRandom implements Random {
  readonly #state = new Uint32Array(4);

  /** @param seed a whole number; its lower 32 bits count. */
  constructor(seed: number) {
    let mixed = seed >>> 0;
    for (let word = 0; word < 4; word++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let value = mixed;
      value = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
      value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
      this.#state[word] = value ^ (value >>> 15);
    }
  }

  integer(min: number, max: number): number {
    const range = max - min + 1;
    assert(range >= 1 && range <= 2 ** 53, "a random range is not empty and has exact bounds");
    return min + Math.floor(this.fraction() * range);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#next() >>> 24;
    return bytes;
  }

  /** A number from 0 to below 1, in steps of 2^-53. */
  fraction(): number {
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** True with that probability, from 0 to 1. Always draws once, so that a changed rate does not shift what follows. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of the items. */
  pick<Item>(items: readonly Item[]): Item {
    assert(items.length > 0, "there is something to pick from");
    return items[this.integer(0, items.length - 1)] as Item;
  }

  /** A source of its own for one part of a run, so that what one part draws does not change what another gets. */
  fork(): SimulatedRandom {
    return new SimulatedRandom(this.#next());
  }

  #next(): number {
    const state = this.#state;
    const [a, b, c, d] = state as unknown as [number, number, number, number];
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    state[2] = c ^ a;
    state[3] = d ^ b;
    state[1] = b ^ (state[2] as number);
    state[0] = a ^ (state[3] as number);
    state[2] = (state[2] as number) ^ (b << 9);
    const last = state[3] as number;
    state[3] = (last << 11) | (last >>> 21);
    return result;
  }
}
