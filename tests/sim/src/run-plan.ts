import { checkHistory } from "@quorate/testkit";
import type { MemberId } from "@quorate/common";
import { ClientWork, keyName } from "./client-work.js";
import { LeaseBook } from "./lease-book.js";
import { Nemesis } from "./nemesis.js";
import { OperationLog } from "./operation-log.js";
import type { Plan } from "./plan.js";
import { SimFailure } from "./sim-failure.js";
import { SimWorld } from "./sim-world.js";
import { Trace } from "./trace.js";
import { WatchClient } from "./watch-client.js";

/** What happened in a run, in numbers. */
export type RunCounts = Readonly<{
  simulatedMs: number;
  operations: number;
  done: number;
  revisions: number;
  events: number;
  elections: number;
  crashes: number;
  pauses: number;
  partitions: number;
  snapshots: number;
  expirations: number;
}>;

export type RunResult = Readonly<{
  plan: Plan;
  /** Of all that happened; the same for the same plan. */
  traceHash: string;
  counts: RunCounts;
  failure: Readonly<{ rule: string; text: string; atMs: number }> | undefined;
}>;

/** How long a cluster may take to agree when nothing troubles it any more, in simulated milliseconds. */
const convergenceMs = 30_000;

/**
 * Lives through a plan, and checks what was promised all along and at the end.
 * @param keep gets each line of the trace.
 */
export async function runPlan(plan: Plan, keep?: (line: string) => void): Promise<RunResult> {
  const run = new Run(plan, new Trace(keep));
  return run.live();
}

class Run {
  readonly #plan: Plan;
  readonly #trace: Trace;
  readonly #world: SimWorld;
  readonly #leases: LeaseBook;
  readonly #log: OperationLog;
  readonly #work: ClientWork;
  readonly #watchers: WatchClient[];
  readonly #nemesis: Nemesis;
  #rejected: unknown;

  constructor(plan: Plan, trace: Trace) {
    this.#plan = plan;
    this.#trace = trace;
    const { seed, setting } = plan;
    this.#leases = new LeaseBook(setting.driftMax);
    const world = new SimWorld({ seed, setting, trace, leases: this.#leases });
    this.#world = world;
    this.#log = new OperationLog(() => world.place());
    this.#work = new ClientWork(world, this.#log, this.#leases);
    this.#nemesis = new Nemesis(world);
    this.#watchers = Array.from({ length: setting.watchers }, (_, at) => {
      const range = at === 0 ? { key: "a", end: "z" } : { key: keyName(at), end: keyName(at + 3) };
      return new WatchClient({ world, log: this.#log, range });
    });
  }

  async live(): Promise<RunResult> {
    const reject = (reason: unknown): void => {
      this.#rejected ??= reason;
    };
    process.on("unhandledRejection", reject);
    let failure: RunResult["failure"];
    try {
      await this.#world.found();
      await this.#suffer();
      await this.#converge();
      this.#checkEnd();
    } catch (error) {
      failure = this.#failureOf(error);
    } finally {
      process.off("unhandledRejection", reject);
      await this.#world.cluster.dispose();
    }
    if (failure !== undefined) this.#world.note(`failed: ${failure.rule}: ${failure.text}`);
    const counts = this.#counts();
    return { plan: this.#plan, traceHash: this.#trace.digest(), counts, failure };
  }

  async #suffer(): Promise<void> {
    const { cluster } = this.#world;
    const beganMs = this.#world.nowMs();
    for (const watcher of this.#watchers) watcher.start();
    for (const step of this.#plan.steps) {
      await this.#advance(Math.max(0, beganMs + step.atMs - this.#world.nowMs()));
      if (step.who === "world") this.#nemesis.run(step.action);
      else this.#work.run(this.#world.pick(step.at), step.action);
    }
    await this.#advance(Math.max(0, beganMs + this.#plan.faultsMs - cluster.clock.monotonicMs()));
  }

  async #advance(ms: number): Promise<void> {
    await this.#world.cluster.advance(ms);
    if (this.#rejected !== undefined) throw this.#rejected;
  }

  /** Nothing troubles the cluster any more: it has to agree, take writes everywhere, end its leases and tell its watchers. */
  async #converge(): Promise<void> {
    const { cluster } = this.#world;
    this.#world.note("the troubles are over");
    await this.#nemesis.end();
    const limitMs = this.#world.nowMs() + convergenceMs;
    const within = async (what: string, isSo: () => boolean): Promise<void> => {
      while (!isSo()) {
        await this.#advance(20);
        if (this.#world.nowMs() > limitMs) throw new SimFailure("converges", `${what}; ${this.#describe()}`);
      }
    };
    await within("no leader", () => this.#world.leader() !== undefined);
    await this.#dismissStrangers(within);
    for (const member of cluster.members) {
      const isWritten = this.#untilWritten(member);
      // A removal that was asked for before may still come true.
      const isExcused = (): boolean => !this.#world.isThere(member) || this.#isLearner(member);
      await within(`no write at ${member}`, () => isExcused() || isWritten());
    }
    const hasEnded = (): boolean => this.#world.nowMs() > this.#leases.lastEndMs(0);
    while (!hasEnded()) await this.#advance(100);
    await this.#advance(6000);
    await within("leases are left", () => cluster.running.every((id) => this.#member(id).state.lessor.size === 0));
    const isLevel = (): boolean =>
      new Set(cluster.running.map((id) => this.#member(id).state.mvcc.applied.index)).size === 1;
    await within("members differ in what they have applied", isLevel);
    await within("watches lag", () => this.#watchers.every(({ reached }) => reached >= this.#world.truth.revision));
    await within("members differ in what they have applied", isLevel);
    const hashes = await cluster.finished(Promise.all(cluster.running.map((id) => this.#member(id).state.mvcc.hash())));
    if (new Set(hashes).size !== 1) throw new SimFailure("equal state", `hashes ${hashes} of ${cluster.running}`);
    const histories = cluster.running.map((id) => this.#member(id).state.mvcc.hashKv(undefined));
    for (const [at, { hash, compactRevision, hashRevision }] of (
      await cluster.finished(Promise.all(histories))
    ).entries()) {
      const what = `history to ${hashRevision}, compacted at ${compactRevision ?? -1}`;
      this.#world.truth.hashed(cluster.running[at] as MemberId, what, hash);
    }
  }

  /** Machines of members that the cluster has removed while they could not hear of it. */
  async #dismissStrangers(within: (what: string, isSo: () => boolean) => Promise<void>): Promise<void> {
    const world = this.#world;
    const hasNews = (): boolean => {
      const leader = world.leader();
      const facts = leader === undefined ? undefined : world.cluster.get(leader).member.core.facts();
      return facts !== undefined && facts.applied === facts.commit && facts.commit > 0;
    };
    await within("no leader that has applied what is committed", hasNews);
    const { membership } = world.cluster.get(world.leader() as MemberId).member.state;
    for (const member of world.cluster.members) if (membership.get(member) === undefined) world.dismiss(member);
  }

  #isLearner(member: MemberId): boolean {
    return this.#world.cluster.find(member)?.member.state.membership.get(member)?.isLearner ?? false;
  }

  /** Writes at a member until a write succeeds. */
  #untilWritten(member: MemberId): () => boolean {
    const state = { isAsking: false, isDone: false };
    return () => {
      if (!state.isAsking && !state.isDone) {
        state.isAsking = true;
        this.#work.putAt(member, keyName(0), (isDone) => {
          state.isAsking = false;
          state.isDone = isDone;
        });
      }
      return state.isDone;
    };
  }

  #checkEnd(): void {
    this.#log.close();
    const { revisions } = this.#world.truth;
    for (const watcher of this.#watchers) watcher.check(revisions);
    const { operations, sightings } = this.#log;
    const [fault] = checkHistory({ operations, revisions, sightings });
    if (fault !== undefined) {
      const { rule, revision, operation, text } = fault;
      throw new SimFailure(`strictly serializable, ${rule}`, `revision ${revision}, operation ${operation}: ${text}`);
    }
  }

  #member(id: MemberId): { state: { mvcc: Mvcc; lessor: Lessor } } {
    return this.#world.cluster.get(id).member;
  }

  #describe(): string {
    return this.#world.cluster.members
      .map((id) => {
        const process = this.#world.cluster.find(id);
        if (process === undefined) return `${id} is down`;
        const { leader, term, commit, applied } = process.member.core.facts();
        return `${id}: leader ${leader} term ${term} commit ${commit} applied ${applied}`;
      })
      .join("; ");
  }

  #failureOf(error: unknown): NonNullable<RunResult["failure"]> {
    const atMs = this.#world.nowMs();
    if (error instanceof SimFailure) return { rule: error.rule, text: error.message, atMs };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { rule: `crash: ${text.split("\n")[0]}`, text, atMs };
  }

  #counts(): RunCounts {
    const { truth, cluster } = this.#world;
    return {
      simulatedMs: this.#world.nowMs(),
      operations: this.#work.counts.asked,
      done: this.#work.counts.done,
      revisions: truth.revision,
      events: this.#watchers.reduce((sum, { events }) => sum + events, 0),
      elections: truth.elections,
      ...this.#nemesis.counts,
      snapshots: cluster.network.counts.snapshots,
      expirations: this.#leases.expirations,
    };
  }
}

type Mvcc = {
  applied: { index: number };
  hash(): Promise<number>;
  hashKv(revision: undefined): Promise<{ hash: number; compactRevision: number | undefined; hashRevision: number }>;
};
type Lessor = { size: number };
