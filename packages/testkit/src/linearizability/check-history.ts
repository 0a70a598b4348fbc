import type { History, HistoryFault, KeyEvent, HistoryRevision, HistoryRule, Operation } from "./history.js";
import { hasWritten, isSameEvent, isSameList, isSameResult, KeySpace } from "./key-space.js";

type Done = Operation & { outcome: Extract<Operation["outcome"], { kind: "done" }> };

const isDone = (operation: Operation): operation is Done => operation.outcome.kind === "done";

/**
 * Says whether a history is that of a strictly serializable store. In general that is a search through all orders (Wing and Gong; Lowe); here every
 * answer names the revision of the store it belongs to, so the order of the writes is known, and it is left to show that
 * 1. each revision is what exactly one request makes of the state before it: one that was answered so, one whose outcome is unknown, or the end of a lease;
 * 2. each answer is what the state at its revision gives;
 * 3. whoever asks sees at least what anybody had been told before, and a write comes after all of that;
 * 4. nobody is told of a revision before that was asked for.
 * These four hold if and only if there is such an order: writes by revision, each read after the revision it belongs to.
 * @returns all faults found, the first ones first; none for a good history. Takes time in proportion to operations plus revisions nobody claims times
 *   unknown outcomes.
 * @see Herlihy and Wing, Linearizability, 1990; Lowe, Testing for Linearizability, 2017.
 */
export function checkHistory(history: History): HistoryFault[] {
  return new HistoryCheck(history).run();
}

class HistoryCheck {
  readonly #history: History;
  readonly #base: number;
  readonly #faults: HistoryFault[] = [];
  readonly #done: readonly Done[];
  readonly #unknown: Operation[];
  /** Answers by the revision whose state they show. */
  readonly #readers = new Map<number, Done[]>();
  /** Answers by the revision they may have made. */
  readonly #writers = new Map<number, Done[]>();
  /** When each revision was first seen. */
  readonly #seenAt: number[];
  readonly #space = new KeySpace();

  constructor(history: History) {
    this.#history = history;
    this.#base = history.base ?? 1;
    this.#done = history.operations.filter(isDone);
    this.#unknown = history.operations.filter(({ outcome }) => outcome.kind === "unknown");
    for (const operation of this.#done) {
      const { revision, result } = operation.outcome;
      const isWriter = hasWritten(result);
      if (isWriter !== false) addTo(this.#writers, revision, operation);
      if (isWriter === false) addTo(this.#readers, operation.revisionAsked ?? revision, operation);
    }
    this.#seenAt = this.#findFirstSights();
  }

  run(): HistoryFault[] {
    this.#checkReaders(this.#base);
    let expected = this.#base + 1;
    for (const revision of this.#history.revisions) {
      if (revision.revision !== expected) this.#add("gap", revision.revision, undefined, `${expected} is missing`);
      expected = revision.revision + 1;
      this.#checkMaker(revision);
      for (const event of revision.events) this.#space.apply(event, revision.revision);
      this.#checkReaders(revision.revision);
    }
    for (const [revision, operations] of [...this.#writers, ...this.#readers]) {
      if (revision >= this.#base && revision < expected) continue;
      for (const { id } of operations) this.#add("lost-write", revision, id, "the revision does not exist");
    }
    this.#checkRecency();
    return this.#faults;
  }

  #checkMaker(made: HistoryRevision): void {
    const { revision } = made;
    const claims: Done[] = [];
    for (const operation of this.#writers.get(revision) ?? []) {
      const { events, result } = this.#space.evaluate(operation.request, revision);
      const isMaker = isSameList(events, made.events, isSameEvent);
      if (isMaker) {
        claims.push(operation);
        if (!isSameResult(result, operation.outcome.result)) this.#wrong(operation, result);
      } else if (operation.request.kind === "revoke") {
        // Its lease had no key: nothing changed, at this revision.
        addTo(this.#readers, revision, operation);
      } else {
        this.#add("lost-write", revision, operation.id, `it asked for ${show(events)}, there is ${show(made.events)}`);
      }
    }
    const [maker, second] = this.#withoutIdleRevokes(claims, revision);
    if (second !== undefined) {
      this.#add("made-twice", revision, second.id, `also claimed by operation ${maker?.id}`);
    }
    if (maker !== undefined) this.#checkNotEarly(maker, revision);
    else this.#checkUnclaimed(made);
  }

  /** Ending a lease without keys, or again, changes nothing: of several that may have made a revision only one need have. */
  #withoutIdleRevokes(claims: readonly Done[], revision: number): Done[] {
    const isRevoke = ({ request }: Done): boolean => request.kind === "revoke";
    const firstBegun = claims.toSorted((a, b) => a.beganAt - b.beganAt);
    const isInTime = ({ beganAt }: Done): boolean => beganAt < this.#firstSeen(revision);
    const maker = firstBegun.find((claim) => !isRevoke(claim)) ?? firstBegun.find(isInTime);
    for (const claim of claims) if (claim !== maker && isRevoke(claim)) addTo(this.#readers, revision, claim);
    return firstBegun.filter((claim) => claim === maker || !isRevoke(claim));
  }

  /** Nobody was told that he made this revision. */
  #checkUnclaimed(made: HistoryRevision): void {
    const { revision } = made;
    let early: Operation | undefined;
    for (const [at, operation] of this.#unknown.entries()) {
      const { events } = this.#space.evaluate(operation.request, revision);
      if (events.length === 0 || !isSameList(events, made.events, isSameEvent)) continue;
      if (operation.beganAt >= this.#firstSeen(revision)) {
        early = operation;
        continue;
      }
      // Deleting what is deleted changes nothing, so who of several made it does not matter; a put shows itself by its value.
      if (made.events.some((event) => event.kind === "put")) this.#unknown.splice(at, 1);
      return;
    }
    if (this.#isEndOfLease(made)) return;
    if (early !== undefined) this.#checkNotEarly(early, revision);
    else this.#add("unexplained", revision, undefined, `nobody asked for ${show(made.events)}`);
  }

  #isEndOfLease({ events }: HistoryRevision): boolean {
    const [first] = events;
    const lease = first === undefined ? 0n : (this.#space.get(first.key)?.lease ?? 0n);
    if (lease === 0n) return false;
    const ends = this.#space.attached(lease).map(({ key }): KeyEvent => ({ kind: "delete", key }));
    return isSameList(events, ends, isSameEvent);
  }

  #checkReaders(revision: number): void {
    for (const operation of this.#readers.get(revision) ?? []) {
      const { events, result } = this.#space.evaluate(operation.request, revision + 1);
      if (events.length > 0) this.#add("lost-write", revision, operation.id, `${show(events)} is not there`);
      else if (!isSameResult(result, operation.outcome.result)) this.#wrong(operation, result);
    }
  }

  /** Goes through time and keeps the highest revision that anybody has been told of. */
  #checkRecency(): void {
    type Moment = Readonly<{ at: number; run: () => void }>;
    const moments: Moment[] = [];
    const floors = new Map<number, number>();
    let highest = this.#base;
    const see = (revision: number): void => {
      highest = Math.max(highest, revision);
    };
    for (const operation of this.#done) {
      const { endedAt, revision } = operation.outcome;
      moments.push({ at: operation.beganAt, run: () => floors.set(operation.id, highest) });
      moments.push({ at: endedAt, run: () => see(revision) });
    }
    for (const { at, revision } of this.#history.sightings ?? []) moments.push({ at, run: () => see(revision) });
    moments.sort((a, b) => a.at - b.at);
    for (const { run } of moments) run();
    for (const operation of this.#done) {
      if (operation.isSerializable === true) continue;
      const floor = floors.get(operation.id) as number;
      const { revision, result } = operation.outcome;
      const isNew = hasWritten(result) === true ? revision > floor : revision >= floor;
      if (!isNew) this.#add("stale", revision, operation.id, `revision ${floor} had been seen when it was asked`);
    }
  }

  #checkNotEarly(maker: Operation, revision: number): void {
    const seenAt = this.#firstSeen(revision);
    if (seenAt > maker.beganAt) return;
    this.#add("early", revision, maker.id, `seen at ${seenAt}, asked for at ${maker.beganAt}`);
  }

  #firstSeen(revision: number): number {
    return this.#seenAt[revision - this.#base] ?? Number.POSITIVE_INFINITY;
  }

  /** @returns by revision after the base: when somebody was first told of it or a later one. */
  #findFirstSights(): number[] {
    const count = this.#history.revisions.length + 1;
    const seenAt = new Array<number>(count).fill(Number.POSITIVE_INFINITY);
    const see = (revision: number, at: number): void => {
      const place = Math.min(revision - this.#base, count - 1);
      if (place >= 0) seenAt[place] = Math.min(seenAt[place] as number, at);
    };
    for (const { outcome } of this.#done) see(outcome.revision, outcome.endedAt);
    for (const { revision, at } of this.#history.sightings ?? []) see(revision, at);
    for (let place = count - 2; place >= 0; place--) {
      seenAt[place] = Math.min(seenAt[place] as number, seenAt[place + 1] as number);
    }
    return seenAt;
  }

  #wrong(operation: Done, expected: unknown): void {
    const { revision, result } = operation.outcome;
    this.#add("wrong-answer", revision, operation.id, `answered ${show(result)}, the state says ${show(expected)}`);
  }

  #add(rule: HistoryRule, revision: number, operation: number | undefined, text: string): void {
    this.#faults.push({ rule, revision, operation, text });
  }
}

function addTo(lists: Map<number, Done[]>, revision: number, operation: Done): void {
  const list = lists.get(revision);
  if (list === undefined) lists.set(revision, [operation]);
  else list.push(operation);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner));
}
