import { findFreePort, MemberProcess } from "@quorate/tests-compat";
import { MemberClient } from "@quorate/tests-crash";
import { type Cut, PeerProxy } from "./peer-proxy.js";

/** A member with the proxy in front of its peer port. */
export type ChaosMember = {
  readonly name: string;
  readonly process: MemberProcess;
  readonly proxy: PeerProxy;
  readonly peerUrl: string;
  isPaused: boolean;
};

export type ClusterOptions = {
  readonly size: number;
  readonly binary?: string | undefined;
  readonly flags?: readonly string[];
  /** Flags that only the member of this name has. */
  readonly flagsOf?: (name: string) => readonly string[];
};

const pollMs = 10;

/** A cluster of real processes on this machine whose links can be cut one by one. Dispose of it, or its processes stay until the end of this one. */
export class ChaosCluster implements AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #members: ChaosMember[] = [];
  #made = 0;

  private constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Starts the members and waits until each serves. */
  static async start(options: ClusterOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(options);
    const ports = await Promise.all(Array.from({ length: options.size }, () => findFreePort()));
    const initial = ports.map((port, index) => `m${index + 1}=http://127.0.0.1:${port}`).join(",");
    for (const port of ports)
      await cluster.#prepare(port, ["--initial-cluster-state=new", `--initial-cluster=${initial}`]);
    for (const member of cluster.#members) member.process.start();
    for (const member of cluster.#members) await cluster.waitUntilServing(member);
    return cluster;
  }

  get members(): readonly ChaosMember[] {
    return this.#members;
  }

  get running(): readonly ChaosMember[] {
    return this.#members.filter((member) => member.process.isRunning && !member.isPaused);
  }

  clientOf(member: ChaosMember): MemberClient {
    return new MemberClient(member.process.clientPort);
  }

  /** The member that most of those who run take for the leader; undefined when no majority of the cluster agrees on a running one. */
  async leader(): Promise<ChaosMember | undefined> {
    const votes = new Map<string, number>();
    const ids = new Map<string, ChaosMember>();
    await Promise.all(
      this.running.map(async (member) => {
        const client = this.clientOf(member);
        const status = await client.status().catch(() => undefined);
        client.close();
        if (status === undefined) return;
        ids.set(status.member, member);
        votes.set(status.leader, (votes.get(status.leader) ?? 0) + 1);
      }),
    );
    const [leader] = [...votes].filter(([id, count]) => ids.has(id) && count * 2 > this.#members.length);
    return leader === undefined ? undefined : ids.get(leader[0]);
  }

  /** Waits for a leader. @returns it, and how many milliseconds that took. @throws after `withinMs`. */
  async waitForLeader(withinMs = 30_000): Promise<{ leader: ChaosMember; tookMs: number }> {
    const began = performance.now();
    for (;;) {
      const leader = await this.leader();
      const tookMs = performance.now() - began;
      if (leader !== undefined) return { leader, tookMs };
      if (tookMs > withinMs) throw new Error(`no leader after ${withinMs} ms\n${this.lastWords}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** Waits until the member answers a linearizable read. @throws with its last words. */
  async waitUntilServing(member: ChaosMember): Promise<void> {
    const client = this.clientOf(member);
    try {
      await client.waitUntilReady(() => member.process.isRunning, 60_000);
    } catch (cause) {
      throw new Error(`${member.name} does not serve:\n${member.process.log.slice(-4000)}`, { cause });
    } finally {
      client.close();
    }
  }

  async kill(member: ChaosMember): Promise<void> {
    this.resume(member);
    await member.process.stop("SIGKILL");
  }

  pause(member: ChaosMember): void {
    signal(member, "SIGSTOP");
    member.isPaused = true;
  }

  resume(member: ChaosMember): void {
    if (!member.isPaused) return;
    signal(member, "SIGCONT");
    member.isPaused = false;
  }

  /** Cuts the member off from the others: what it sends, what it is sent, or both. */
  isolate(member: ChaosMember, how: Cut, direction: "in" | "out" | "both" = "both"): void {
    for (const other of this.#members) {
      if (other === member) continue;
      if (direction !== "out") member.proxy.cut(other.name, how);
      if (direction !== "in") other.proxy.cut(member.name, how);
    }
  }

  /** Undoes all that was done to links, processes and pauses, and waits until everybody serves. */
  async heal(): Promise<void> {
    for (const member of this.#members) {
      member.proxy.heal();
      this.resume(member);
      if (!member.process.isRunning) member.process.start();
    }
    for (const member of this.#members) await this.waitUntilServing(member);
  }

  /** Prepares a member that joins: ask the cluster to add `peerUrl` first, then start it with `begin`. */
  async prepareNewcomer(): Promise<{ member: ChaosMember; begin(): Promise<void> }> {
    const port = await findFreePort();
    const initial = [
      ...this.#members.map(({ name, peerUrl }) => `${name}=${peerUrl}`),
      `m${this.#made + 1}=http://127.0.0.1:${port}`,
    ];
    const flags = ["--initial-cluster-state=existing", `--initial-cluster=${initial.join(",")}`];
    const member = await this.#prepare(port, flags);
    return {
      member,
      begin: async () => {
        member.process.start();
        await this.waitUntilServing(member);
      },
    };
  }

  /** The member is gone for ever, its disk too. Remove it from the cluster by a request. */
  async lose(member: ChaosMember): Promise<void> {
    await this.kill(member);
    await member.process.dispose();
    await member.proxy.close();
    this.#members.splice(this.#members.indexOf(member), 1);
  }

  /** What the members logged last, for reports. */
  get lastWords(): string {
    return this.#members.map(({ name, process }) => `--- ${name}\n${process.log.slice(-3000)}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of [...this.#members]) await this.lose(member);
  }

  async #prepare(proxyPort: number, flags: readonly string[]): Promise<ChaosMember> {
    this.#made += 1;
    const name = `m${this.#made}`;
    const peerUrl = `http://127.0.0.1:${proxyPort}`;
    const { binary, flags: common = [], flagsOf } = this.#options;
    const process = await MemberProcess.prepare({
      name,
      binary,
      flags: [
        `--initial-advertise-peer-urls=${peerUrl}`,
        "--log-level=warn",
        ...flags,
        ...common,
        ...(flagsOf?.(name) ?? []),
      ],
    });
    const sources = (): ReadonlyMap<string, number> => this.#pids();
    const proxy = await PeerProxy.start({ own: proxyPort, target: process.peerPort }, sources);
    const member = { name, process, proxy, peerUrl, isPaused: false };
    this.#members.push(member);
    return member;
  }

  #pids(): ReadonlyMap<string, number> {
    return new Map(
      this.#members.flatMap(({ name, process }) => (process.pid === undefined ? [] : [[name, process.pid]])),
    );
  }
}

function signal(member: ChaosMember, name: "SIGSTOP" | "SIGCONT"): void {
  const { pid } = member.process;
  if (pid !== undefined) process.kill(pid, name);
}
