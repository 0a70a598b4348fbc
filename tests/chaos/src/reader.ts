import type { KeyState, MemberClient, Observation } from "@quorate/tests-crash";

type Read = { readonly key: string; readonly revision: number; readonly state: KeyState | undefined };

/**
 * Reads keys one after the other, linearizably, and remembers what it saw. Two things must hold: a read sees at least what anybody had been told when it began,
 * and it sees the store exactly as history has it at the revision it names.
 */
export class Reader {
  readonly problems: string[] = [];
  #reads: Read[] = [];
  #answered = 0;

  /** Reads that were answered, since the beginning. */
  get answered(): number {
    return this.#answered;
  }

  /** @param told the highest revision that any client was told of by now. */
  async run(client: MemberClient, options: { nextKey(): string; told(): number; isOver(): boolean }): Promise<void> {
    while (!options.isOver()) {
      const key = options.nextKey();
      const floor = options.told();
      try {
        const { revision, state } = await client.get(key);
        if (revision < floor)
          this.problems.push(`stale: ${key} was read at revision ${revision}, after ${floor} was acknowledged`);
        this.#reads.push({ key, revision, state });
        this.#answered += 1;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20)); // no answer tells nothing
      }
    }
  }

  /** Holds what was read since the last time against the history of the store. @returns the problems. */
  check({ history, compactRevision, revision }: Observation): string[] {
    const problems = this.problems.splice(0);
    const versions = new Map<string, { revision: number; value: string | undefined }[]>();
    for (const one of history) {
      for (const { key, value } of one.changes) {
        const list = versions.get(key) ?? [];
        versions.set(key, list);
        list.push({ revision: one.revision, value });
      }
    }
    for (const read of this.#reads) {
      if (read.revision > revision)
        problems.push(`${read.key} was read at revision ${read.revision}, which the store has not reached`);
      const last = versions.get(read.key)?.findLast((version) => version.revision <= read.revision);
      // What was compacted away cannot be told from here.
      if (last === undefined && (compactRevision > 0 || read.state === undefined)) continue;
      const isEqual =
        last?.value === read.state?.value && (last?.value === undefined || last.revision === read.state?.modRevision);
      if (!isEqual)
        problems.push(
          `${read.key} at revision ${read.revision} was read as ${describe(read.state)}, history has ${JSON.stringify(last)}`,
        );
    }
    this.#reads = [];
    return problems;
  }
}

function describe(state: KeyState | undefined): string {
  return state === undefined ? "absent" : `${state.value.slice(0, 30)} of revision ${state.modRevision}`;
}
