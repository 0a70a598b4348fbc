import { CrashModel, type MemberClient, observe, SeededRandom, Worker } from "@quorate/tests-crash";
import { ChaosCluster, type ChaosMember } from "./chaos-cluster.js";
import { faults } from "./faults.js";
import { Reader } from "./reader.js";

const workersPerMember = 4;
const keysPerWorker = 20;

export type ChaosOptions = {
  readonly rounds: number;
  readonly seed: number;
  /** Members of the cluster. Default 3. */
  readonly size?: number;
  /** Names of faults to choose from; all when absent. */
  readonly faults?: readonly string[] | undefined;
  readonly binary?: string | undefined;
  readonly print?: (line: string) => void;
};

export type ChaosReport = {
  readonly problems: readonly string[];
  readonly rounds: number;
  readonly acknowledged: number;
  readonly reads: number;
  /** Milliseconds from the loss of a leader until a majority named the next, one per round that needed it. */
  readonly elections: readonly number[];
};

/** Everybody who asks for something, and the clients they ask through. */
type Load = { readonly clients: readonly MemberClient[]; readonly done: Promise<unknown> };

/** Harms a cluster in one way after the other under load, and checks after each that it kept its word. Ends at the first problem. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const loop = new ChaosLoop(options);
  return loop.run();
}

class ChaosLoop {
  readonly #options: ChaosOptions;
  readonly #random: SeededRandom;
  readonly #model = new CrashModel();
  readonly #workers: readonly Worker[];
  readonly #readers: readonly Reader[];
  readonly #elections: number[] = [];
  readonly #size: number;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#size = options.size ?? 3;
    // Half of them begin before the fault, half after it.
    this.#workers = Array.from({ length: 2 * workersPerMember * this.#size }, (_one, index) => {
      return new Worker(`w${index}`, this.#model, new SeededRandom(options.seed * 1000 + index));
    });
    this.#readers = Array.from({ length: 2 * this.#size }, () => new Reader());
  }

  async run(): Promise<ChaosReport> {
    await using cluster = await ChaosCluster.start({ size: this.#size, binary: this.#options.binary });
    const problems: string[] = [];
    let rounds = 0;
    while (rounds < this.#options.rounds && problems.length === 0) {
      rounds += 1;
      const name = this.#random.pick(this.#options.faults ?? Object.keys(faults));
      try {
        problems.push(...(await this.#round(cluster, name)));
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error)); // a refusal, a member that does not come up
      }
      const { acknowledged, unanswered, landed } = this.#model.counts;
      this.#options.print?.(
        `round ${rounds} (${name}): revision ${this.#model.checkedRevision}, ${acknowledged} acknowledged, ${landed} of ${unanswered} unanswered landed, ${this.#reads} reads`,
      );
    }
    if (problems.length > 0) this.#options.print?.(cluster.lastWords);
    const { acknowledged } = this.#model.counts;
    return { problems, rounds, acknowledged, reads: this.#reads, elections: this.#elections };
  }

  get #reads(): number {
    return this.#readers.reduce((sum, reader) => sum + reader.answered, 0);
  }

  async #round(cluster: ChaosCluster, name: string): Promise<string[]> {
    const fault = faults[name];
    if (fault === undefined) throw new Error(`there is no fault ${name}; there are ${Object.keys(faults).join(", ")}`);
    let isOver = false;
    const half = this.#workers.length / 2;
    const before = this.#begin(cluster, cluster.members, { from: 0, isOver: () => isOver });
    await this.#sleep(100, 700);
    const began = performance.now();
    const { victims, needsElection } = await fault(cluster, this.#random);
    await cluster.waitForLeader();
    if (needsElection) this.#elections.push(performance.now() - began);
    const survivors = cluster.members.filter((member) => !victims.includes(member));
    for (const member of survivors) await cluster.waitUntilServing(member);
    const acknowledged = this.#model.counts.acknowledged;
    const after = this.#begin(cluster, survivors, { from: half, isOver: () => isOver });
    await this.#sleep(300, 1000);
    await cluster.heal();
    await this.#sleep(100, 300);
    isOver = true;
    await Promise.all([before.done, after.done]);
    for (const client of [...before.clients, ...after.clients]) client.close();
    const problems = await this.#check(cluster);
    if (this.#model.counts.acknowledged === acknowledged) problems.push(`no write was acknowledged after ${name}`);
    return problems;
  }

  /** Half of the workers and readers, spread over the members. */
  #begin(
    cluster: ChaosCluster,
    members: readonly ChaosMember[],
    options: { from: number; isOver: () => boolean },
  ): Load {
    const { isOver, from } = options;
    const clients = members.map((member) => cluster.clientOf(member));
    const at = (index: number): MemberClient => clients[index % clients.length] as MemberClient;
    const workers = this.#workers.slice(from, from + this.#workers.length / 2);
    const runs = workers.map((worker, index) => worker.run(at(index), isOver));
    const readers = this.#readers.slice(from === 0 ? 0 : this.#size, from === 0 ? this.#size : undefined);
    const told = (): number => this.#model.highestSeen;
    const reads = readers.map((reader, index) =>
      reader.run(at(index), { nextKey: () => this.#anyKey(), told, isOver }),
    );
    const done = Promise.all([...runs, ...reads]);
    done.catch(() => {}); // awaited by the round
    return { clients, done };
  }

  #anyKey(): string {
    const worker = this.#random.between(0, this.#workers.length - 1);
    return `w${worker}/${String(this.#random.between(0, keysPerWorker - 1)).padStart(2, "0")}`;
  }

  async #check(cluster: ChaosCluster): Promise<string[]> {
    const client = cluster.clientOf(this.#random.pick(cluster.members));
    try {
      const seen = await observe(client, this.#model.compactRevision);
      const problems = this.#model.check(seen);
      for (const reader of this.#readers) problems.push(...reader.check(seen));
      for (const worker of this.#workers) worker.settle(seen.leases);
      return problems.concat(await this.#compareMembers(cluster, seen.revision));
    } finally {
      client.close();
    }
  }

  /** All members hold the same revisions. */
  async #compareMembers(cluster: ChaosCluster, revision: number): Promise<string[]> {
    const hashes = await Promise.all(
      cluster.members.map(async (member) => {
        const client = cluster.clientOf(member);
        try {
          await client.get("catch-up"); // linearizable: the member has applied all there was
          return `${member.name} ${await client.hashKv(revision)}`;
        } finally {
          client.close();
        }
      }),
    );
    const isEqual = new Set(hashes.map((one) => one.split(" ")[1])).size === 1;
    return isEqual ? [] : [`members differ at revision ${revision}: ${hashes.join(", ")}`];
  }

  #sleep(low: number, high: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#random.between(low, high)));
  }
}
