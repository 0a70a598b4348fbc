import type { Logger, LogIndex, MemberId, MessageUrgency, PeerNetwork, PeerReceiver, Term } from "@quorate/common";
import { silentLogger } from "@quorate/common";
import type { Entry, Envelope, RaftInput, RaftMessage } from "@quorate/raft";
import { SimulatedClock, SimulatedRandom } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import { PeerMail } from "../../src/core/peer-mail.js";
import { PeerQuestion, PeerQuestions } from "../../src/core/peer-questions.js";

const [one, two, three] = [1n, 2n, 3n] as [MemberId, MemberId, MemberId];
type Sent = { to: MemberId; parts: readonly Uint8Array[]; urgency: MessageUrgency | undefined };

function buildMail(member: MemberId, options: { isDown?: boolean; logger?: Logger; seed?: number } = {}) {
  const sent: Sent[] = [];
  const pushed: (readonly RaftInput[])[] = [];
  const unsent: RaftInput[] = [];
  let receiver: PeerReceiver | undefined;
  const network = {
    send: (to: MemberId, parts: readonly Uint8Array[], urgency?: MessageUrgency) => {
      sent.push({ to, parts, urgency });
      return options.isDown !== true;
    },
    receive: (next: PeerReceiver) => {
      receiver = next;
    },
  } as Partial<PeerNetwork> as PeerNetwork;
  const clock = new SimulatedClock();
  const questions = new PeerQuestions();
  const mail = new PeerMail(
    {
      member,
      network,
      push: (inputs) => pushed.push(inputs),
      unsent: (proposals) => unsent.push(...proposals),
      questions,
      snapshots: { send: () => {}, receiver: () => undefined },
      traces: { isQuiet: true, leaving: () => undefined, arrived: () => {} },
    },
    { clock, random: new SimulatedRandom(options.seed ?? Number(member)), logger: options.logger ?? silentLogger },
  );
  expect(receiver).toBe(mail);
  return { mail, sent, pushed, unsent, clock, questions };
}

/** A frame as it comes out of a socket: in a buffer that is written over afterwards. */
function deliver(to: PeerMail, from: MemberId, { parts }: Sent): void {
  const lent = Buffer.concat(parts);
  to.message(from, lent);
  lent.fill(0xee);
}

const entries: readonly Entry[] = [1, 2].map((index) => ({
  index: index as LogIndex,
  term: 1 as Term,
  kind: "normal",
  data: new Uint8Array(1000).fill(index),
}));
const append: RaftMessage = {
  kind: "append",
  term: 1 as Term,
  previous: { index: 0 as LogIndex, term: 0 as Term },
  entries,
  commit: 0 as LogIndex,
};
const heartbeat: RaftMessage = { kind: "heartbeat", term: 1 as Term, commit: 0 as LogIndex, read: undefined };
const transfer: RaftMessage = { kind: "transfer", term: 1 as Term, transferee: 2n as MemberId };
const proposal: RaftMessage = { kind: "propose", entries: [{ kind: "normal", data: new Uint8Array([7]) }] };
const fromOne = (to: MemberId, message: RaftMessage): Envelope => ({ from: one, to, message });

describe("PeerMail", () => {
  it("sends what a turn has for a member as one frame, and entries for all out of the same bytes", () => {
    const { mail, sent } = buildMail(one);
    mail.put([fromOne(two, append), fromOne(three, append)]);
    mail.put([fromOne(two, proposal)]);
    expect(sent).toEqual([]);
    mail.flush();
    mail.flush();
    expect(sent.map(({ to }) => to)).toEqual([two, three]);
    const shared = sent[0]?.parts.filter((part) => sent[1]?.parts.includes(part));
    expect(shared?.map((part) => part.length > 2000)).toEqual([true]);
  });

  it("sends what is urgent in a frame of its own, which may overtake the other", () => {
    const [a, b] = [buildMail(one), buildMail(two)];
    a.mail.put([fromOne(two, append), fromOne(two, heartbeat)]);
    a.mail.flush();
    expect(a.sent.map(({ urgency }) => urgency)).toEqual(["urgent", "ordered"]);
    for (const frame of [...a.sent].reverse()) deliver(b.mail, one, frame);
    expect(b.pushed.flat()).toMatchObject([{ message: append }, { message: heartbeat }]);
  });

  it("hands what came together on together, and keeps nothing of a lent buffer", () => {
    const [a, b] = [buildMail(one), buildMail(two)];
    a.mail.put([fromOne(two, append), fromOne(two, transfer)]);
    a.mail.flush();
    deliver(b.mail, one, a.sent[0] as Sent);
    expect(b.pushed).toEqual([
      [
        { kind: "message", from: one, message: append },
        { kind: "message", from: one, message: transfer },
      ],
    ]);
  });

  it("takes no frame twice, and no proposal meant for an earlier life", () => {
    const [a, b] = [buildMail(one), buildMail(two)];
    const exchange = (from: typeof a, to: typeof b, ids: [MemberId, MemberId], message: RaftMessage): void => {
      from.mail.put([{ from: ids[0], to: ids[1], message }]);
      from.mail.flush();
      deliver(to.mail, ids[0], from.sent.at(-1) as Sent);
    };
    exchange(a, b, [one, two], proposal); // it does not know yet whom it speaks to
    exchange(b, a, [two, one], heartbeat);
    exchange(a, b, [one, two], proposal);
    deliver(b.mail, one, a.sent.at(-1) as Sent);
    expect(b.pushed.flat()).toEqual([{ kind: "message", from: one, message: proposal }]);
    const restarted = buildMail(two, { seed: 99 });
    deliver(restarted.mail, one, a.sent.at(-1) as Sent);
    expect(restarted.pushed).toEqual([]);
  });

  it("passes on whom a forwarded message began at", () => {
    const [a, b] = [buildMail(two), buildMail(three)];
    a.mail.put([{ from: one, to: three, message: { kind: "read-index", context: new Uint8Array([1]) } }]);
    a.mail.flush();
    deliver(b.mail, two, a.sent[0] as Sent);
    expect(b.pushed.flat()).toMatchObject([{ kind: "message", from: one }]);
  });

  it("says that a member is out of reach when a frame could not leave, or its link is lost", () => {
    const { mail, pushed } = buildMail(one, { isDown: true });
    mail.put([fromOne(two, heartbeat)]);
    mail.flush();
    mail.linkLost(three);
    expect(pushed.flat()).toEqual([
      { kind: "unreachable", peer: two },
      { kind: "unreachable", peer: three },
    ]);
  });

  it("gives back proposals that could not leave, once, and no others", () => {
    const down = buildMail(one, { isDown: true });
    down.mail.put([fromOne(two, heartbeat), { from: three, to: two, message: proposal }]);
    down.mail.flush();
    down.mail.put([fromOne(two, heartbeat)]);
    down.mail.flush();
    expect(down.unsent).toEqual([{ kind: "message", from: three, message: proposal }]);
    const up = buildMail(one);
    up.mail.put([fromOne(two, proposal)]);
    up.mail.flush();
    expect(up.unsent).toEqual([]);
  });

  it("drops what it cannot read, counts it, and does not fill the log with it", async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => lines.push(message) };
    const { mail, pushed, clock } = buildMail(one, { logger });
    for (let i = 0; i < 100; i++) mail.message(two, new Uint8Array([i, 1, 2]));
    expect([pushed.length, mail.unreadable, lines.length]).toEqual([0, 100, 1]);
    await clock.advance(10_000);
    mail.message(two, new Uint8Array(0));
    expect(lines).toEqual(Array(2).fill("a frame of another member cannot be read"));
  });

  it("answers questions by their kind, and refuses those it does not know", async () => {
    const { mail, questions } = buildMail(one);
    questions.register(PeerQuestion.leaseRenew, async (body, from) => new Uint8Array([Number(from), ...body]));
    expect(await mail.answer(two, new Uint8Array([PeerQuestion.leaseRenew, 5]))).toEqual(new Uint8Array([2, 5]));
    await expect(mail.answer(two, new Uint8Array([250]))).rejects.toThrow("does not know");
    await expect(mail.answer(two, new Uint8Array(0))).rejects.toThrow("does not know");
    mail.stop();
    await expect(mail.answer(two, new Uint8Array([PeerQuestion.leaseRenew]))).rejects.toThrow("stops");
  });
});
