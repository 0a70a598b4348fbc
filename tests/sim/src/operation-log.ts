import type { KeyRequest, Operation, Sighting } from "@quorate/testkit";

/** Everything that clients did to keys and saw of them, for the checker. */
export class OperationLog {
  readonly operations: Operation[] = [];
  readonly sightings: Sighting[] = [];
  readonly #open = new Map<number, Omit<Operation, "outcome">>();
  readonly #place: () => number;
  #ids = 0;

  /** @param place gives the places in time. */
  constructor(place: () => number) {
    this.#place = place;
  }

  /** A number that no other operation has, and with which values can be told apart. */
  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  begin(id: number, request: KeyRequest, read: { isSerializable?: boolean; revisionAsked?: number } = {}): void {
    this.#open.set(id, { id, beganAt: this.#place(), request, ...read });
  }

  end(
    id: number,
    outcome: { kind: "refused" | "unknown" } | { kind: "done"; revision: number; result: DoneResult },
  ): void {
    const begun = this.#open.get(id);
    if (begun === undefined) return;
    this.#open.delete(id);
    const full = outcome.kind === "done" ? { ...outcome, endedAt: this.#place() } : { kind: outcome.kind };
    this.operations.push({ ...begun, outcome: full });
  }

  saw(revision: number): void {
    this.sightings.push({ revision, at: this.#place() });
  }

  /** Nobody waits any more: what is still open has an unknown outcome. */
  close(): void {
    for (const id of [...this.#open.keys()]) this.end(id, { kind: "unknown" });
  }
}

type DoneResult = Extract<Operation["outcome"], { kind: "done" }>["result"];
