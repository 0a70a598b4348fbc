/** An answer is not the recorded one; the message says where and what. */
export class Mismatch extends Error {}
