import type { MemberId } from "@quorate/common";

/** What a member may ask another: the first byte of a question. Add at the end, never move. */
export const PeerQuestion = { leaseRenew: 1, leaseTimeToLive: 2, memberPromote: 3, serverVersion: 4 } as const;

type Answerer = (body: Uint8Array, from: MemberId) => Promise<Uint8Array>;

/** Questions of other members and who answers them here. */
export class PeerQuestions {
  readonly #answerers = new Map<number, Answerer>();

  /** @param kind a number of `PeerQuestion`. @param answer gets the question without its first byte; a rejection reaches the asker as a PeerError. */
  register(kind: number, answer: Answerer): void {
    this.#answerers.set(kind, answer);
  }

  /** Rejects when the question is unknown or malformed, or its answerer refuses it. */
  async answer(from: MemberId, question: Uint8Array): Promise<Uint8Array> {
    const answerer = this.#answerers.get(question[0] ?? 0);
    if (answerer === undefined) throw new Error("a question that this version does not know");
    return answerer(question.subarray(1), from);
  }
}

/** A question as it travels. */
export function encodeQuestion(kind: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + body.length);
  out[0] = kind;
  out.set(body, 1);
  return out;
}
