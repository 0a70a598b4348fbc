import { randomBytes, randomInt } from "node:crypto";
import { assert, type Random } from "@quorate/common";

/** `randomInt` takes no wider range at once. */
const rangeMax = 2 ** 48 - 1;

/** The system's own source of randomness; good enough for identities and tokens. */
export class RealRandom implements Random {
  integer(min: number, max: number): number {
    assert(max >= min && max - min < rangeMax, "a random range is not empty and narrower than 2^48");
    return randomInt(min, max + 1);
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(randomBytes(length));
  }
}
