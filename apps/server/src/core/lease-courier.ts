import type { Clock, LeaseId, MemberId, PeerNetwork, Timer } from "@quorate/common";
import type { Fault } from "../public-errors.js";
import type { CoreObserver } from "./core-options.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import type { Leadership } from "./leadership.js";
import { encodeQuestion, PeerQuestion, type PeerQuestions } from "./peer-questions.js";

/** How soon a question is put again, in milliseconds. */
const retryMs = 50;
/** How long the leader waits for entries that may hold a lease it does not know, in milliseconds. */
const applyWaitMs = 1000;
const leaseBytes = 8;

/** What a question about a lease gave, or why it could not be answered. */
export type LeaseAnswer<Result> = { result: Result } | { fault: Fault };

/** A question on its way. */
type Errand = {
  readonly question: Uint8Array;
  readonly untilMs: number;
  /** Asks this member. @param tell gets undefined when it does not lead. */
  here(tell: (answer: LeaseAnswer<Uint8Array> | undefined) => void): void;
  tell(answer: LeaseAnswer<Uint8Array>): void;
  isUnderWay: boolean;
};

type CourierParts = Readonly<{
  member: MemberId;
  network: PeerNetwork | undefined;
  leadership: Leadership;
  leases: LeaseKeeper;
  questions: PeerQuestions;
  /** Runs once all is applied that is committed now; false when that takes longer than `timeoutMs`. */
  caughtUp(timeoutMs: number, run: (isThere: boolean) => void): void;
}>;

/**
 * Brings questions about a lease to the member that knows: only a leader counts how long leases last. While there is none a question waits, as in etcd, and it is
 * put again when it or its answer got lost.
 */
export class LeaseCourier {
  readonly #parts: CourierParts;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onRenewed: () => void;
  readonly #errands = new Set<Errand>();
  #retry: Timer | undefined;

  /** @param options how long a question may take, in milliseconds. */
  constructor(
    parts: CourierParts,
    options: { requestTimeoutMs: number },
    ports: { clock: Clock; observe: CoreObserver },
  ) {
    this.#parts = parts;
    this.#clock = ports.clock;
    this.#onRenewed = () => ports.observe.leaseRenewed();
    this.#timeoutMs = options.requestTimeoutMs;
    parts.questions.register(PeerQuestion.leaseRenew, (body) =>
      this.#answer((tell) => this.#renewHere(leaseOf(body), tell)),
    );
    parts.questions.register(PeerQuestion.leaseTimeToLive, (body) =>
      this.#answer((tell) => this.#timeToLiveHere(leaseOf(body), body[leaseBytes] === 1, tell)),
    );
  }

  /** Questions on their way. */
  get size(): number {
    return this.#errands.size;
  }

  /** Gives a lease its whole time again. @param tell gets the TTL granted in seconds, 0 for a lease that is unknown or over. */
  renew(lease: LeaseId, tell: (answer: LeaseAnswer<number>) => void): void {
    const { leadership, leases } = this.#parts;
    const granted = leadership.isSure ? leases.renewNow(lease) : undefined;
    if (granted !== undefined) {
      this.#onRenewed();
      return tell({ result: granted });
    }
    this.#send({
      question: encodeQuestion(PeerQuestion.leaseRenew, bodyOf(lease)),
      here: (answer) => this.#renewHere(lease, answer),
      tell: (answer) => tell("fault" in answer ? answer : readSeconds(answer.result)),
    });
  }

  /** How long a lease has left. @param tell gets the encoded `LeaseTimeToLiveResponse` but for its header. */
  timeToLive(lease: LeaseId, wantsKeys: boolean, tell: (answer: LeaseAnswer<Uint8Array>) => void): void {
    this.#send({
      question: encodeQuestion(PeerQuestion.leaseTimeToLive, bodyOf(lease, wantsKeys)),
      here: (answer) => this.#timeToLiveHere(lease, wantsKeys, answer),
      tell,
    });
  }

  stop(): void {
    this.#retry?.cancel();
    for (const errand of [...this.#errands]) this.#end(errand, { fault: { code: "server/stopped" } });
  }

  #send(errand: Pick<Errand, "question" | "here" | "tell">): void {
    const sent: Errand = { ...errand, untilMs: this.#clock.monotonicMs() + this.#timeoutMs, isUnderWay: false };
    this.#errands.add(sent);
    this.#try(sent);
  }

  #try(errand: Errand): void {
    const { leadership, network, member } = this.#parts;
    const leftMs = errand.untilMs - this.#clock.monotonicMs();
    const { leader } = leadership;
    if (leftMs <= 0) {
      const code = leader === undefined ? "server/no-leader" : "server/timed-out";
      return this.#end(errand, { fault: { code } });
    }
    this.#retryLater();
    if (leader === undefined) return;
    errand.isUnderWay = true;
    const again = (): void => {
      errand.isUnderWay = false;
    };
    if (leader === member) {
      errand.here((answer) => (answer === undefined ? again() : this.#end(errand, answer)));
    } else if (network !== undefined) {
      const asked = network.ask(leader, errand.question, { timeoutMs: leftMs });
      asked.then((result) => this.#end(errand, { result }), again); // whatever went wrong, there is time to try again
    }
  }

  #end(errand: Errand, answer: LeaseAnswer<Uint8Array>): void {
    if (this.#errands.delete(errand)) errand.tell(answer);
  }

  #retryLater(): void {
    this.#retry ??= this.#clock.after(retryMs, () => {
      this.#retry = undefined;
      for (const errand of [...this.#errands]) {
        if (!errand.isUnderWay || errand.untilMs <= this.#clock.monotonicMs()) this.#try(errand);
      }
      if (this.#errands.size > 0) this.#retryLater();
    });
  }

  #renewHere(lease: LeaseId, tell: (answer: LeaseAnswer<Uint8Array> | undefined) => void): void {
    const { leadership, leases } = this.#parts;
    leadership.ensure((isLeader) => {
      if (!isLeader) return tell(leadership.isLeader ? { fault: { code: "lease/not-primary" } } : undefined);
      if (!leases.isLeading) return tell(undefined);
      const renew = (): void => {
        leases.renew(lease, (ttlSeconds) => {
          if (ttlSeconds !== undefined && ttlSeconds > 0) this.#onRenewed();
          tell(ttlSeconds === undefined ? undefined : { result: secondsToBytes(ttlSeconds) });
        });
      };
      if (leases.has(lease)) return renew();
      this.#whenCaughtUp(renew, tell);
    });
  }

  #timeToLiveHere(
    lease: LeaseId,
    wantsKeys: boolean,
    tell: (answer: LeaseAnswer<Uint8Array> | undefined) => void,
  ): void {
    const { leadership, leases } = this.#parts;
    if (!leadership.isLeader) return tell(undefined);
    this.#whenCaughtUp(() => {
      if (leases.isLeading) return tell({ result: leases.timeToLive(lease, wantsKeys) });
      tell({ fault: { code: "server/leader-changed" } });
    }, tell);
  }

  #whenCaughtUp(run: () => void, tell: (answer: { fault: Fault }) => void): void {
    this.#parts.caughtUp(applyWaitMs, (isThere) =>
      isThere ? run() : tell({ fault: { code: "server/timed-out-apply" } }),
    );
  }

  /** Answers another member. What it cannot be told becomes a refusal, upon which it tries again. */
  #answer(here: (tell: (answer: LeaseAnswer<Uint8Array> | undefined) => void) => void): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      here((answer) => {
        if (answer !== undefined && "result" in answer) resolve(answer.result);
        else reject(new Error(answer === undefined ? "server/not-leader" : answer.fault.code));
      });
    });
  }
}

function bodyOf(lease: LeaseId, wantsKeys = false): Uint8Array {
  const body = new Uint8Array(leaseBytes + 1);
  new DataView(body.buffer).setBigInt64(0, lease);
  body[leaseBytes] = wantsKeys ? 1 : 0;
  return body;
}

/** @throws RangeError when the question was cut off: it is refused then. */
function leaseOf(body: Uint8Array): LeaseId {
  return new DataView(body.buffer, body.byteOffset, body.length).getBigInt64(0) as LeaseId;
}

function secondsToBytes(seconds: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, seconds);
  return bytes;
}

function readSeconds(bytes: Uint8Array): LeaseAnswer<number> {
  if (bytes.length !== 8) return { fault: { code: "server/timed-out" } };
  return { result: new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat64(0) };
}
