import type { MemberId } from "@quorate/common";
import { calmNetwork, type NetworkFaults, SimulatedCluster, type SimulatedRandom } from "@quorate/testkit";
import type { MemberRecord } from "@quorate/server";
import type { Status } from "@quorate/transport";
import { type Ending, SimStream, SimUnary } from "./call.js";
import type { Setting } from "./plan.js";
import { memberOptions, SimMember } from "./sim-member.js";
import type { Trace } from "./trace.js";
import { type LeaseJudge, Truth } from "./truth.js";

/** How a unary call of a client ended: as the server said, or without a word from it. `unsent` says that no server ever saw it. */
export type CallEnd = Ending | Readonly<{ silence: "lost" | "timeout" | "unsent" }>;

/** What a client's stream hears. */
export type StreamClient = Readonly<{
  message: (message: Uint8Array) => void;
  ended: (status: Status | undefined) => void;
}>;

/** The world of one run: a cluster, its clients' connections, and who watches. */
export class SimWorld {
  readonly cluster: SimulatedCluster<SimMember>;
  readonly truth: Truth;
  readonly trace: Trace;
  readonly setting: Setting;
  /** For what clients draw while the run goes on. */
  readonly random: SimulatedRandom;
  /** Called for a member whose machine has lost its power by itself. */
  onDark: (member: MemberId) => void = () => {};
  /** Called when a process says that it cannot go on. @returns true when it has every reason to. */
  onFatal: (member: MemberId, error: Error) => boolean = () => false;
  readonly #open = new Map<MemberId, Set<() => void>>();
  readonly #joiners = new Map<MemberId, readonly MemberRecord[]>();
  #founders: readonly MemberId[] = [];
  #places = 0;

  constructor(options: { seed: number; setting: Setting; trace: Trace; leases: LeaseJudge }) {
    this.setting = options.setting;
    this.trace = options.trace;
    this.truth = new Truth(options.leases);
    const witness = {
      truth: this.truth,
      trace: this.trace,
      nowMs: () => this.nowMs(),
      turnedAway: (member: MemberId) =>
        void this.cluster.clock.after(1, () => {
          if (this.isThere(member)) this.cluster.enter(member, (process) => process.member.core.cluster.wasRemoved());
        }),
      removed: (member: MemberId) => void this.cluster.clock.after(0, () => this.dismiss(member)),
    };
    this.cluster = new SimulatedCluster<SimMember>({
      seed: options.seed,
      network: this.goodNetwork,
      createMember: (world) => {
        const known = this.#joiners.get(world.member);
        const options = memberOptions(this.setting, world.member, this.#founders);
        const joining = known === undefined ? {} : { initialMembers: [], isJoining: true, knownMembers: known };
        return SimMember.open(world, { ...options, ...joining }, witness);
      },
      onDark: (member) => {
        this.connectionsLost(member);
        this.onDark(member);
      },
      onFatal: (member, error) => {
        if (!this.onFatal(member, error)) return false;
        this.connectionsLost(member);
        return true;
      },
    });
    this.random = this.cluster.random.fork();
  }

  /** Sets up the founders and starts them. */
  async found(): Promise<void> {
    this.#founders = Array.from({ length: this.setting.members }, (_, at) => BigInt(at + 1) as MemberId);
    for (const member of this.#founders) this.cluster.add(member).syncMs = { min: 0, max: this.setting.syncMs };
    await this.cluster.finished(Promise.all(this.#founders.map((member) => this.start(member))));
    const ready = this.#founders.map((member) => this.cluster.get(member).member.ready);
    await this.cluster.finished(Promise.all(ready));
  }

  /** The network when nothing troubles it. */
  get goodNetwork(): NetworkFaults {
    return { ...calmNetwork, delayMsMax: this.setting.delayMsMax };
  }

  /** A machine for a member that the cluster has taken in. `known` are all members as that answer told them. */
  join(member: MemberId, known: readonly MemberRecord[]): void {
    this.#joiners.set(member, known);
    this.cluster.add(member).syncMs = { min: 0, max: this.setting.syncMs };
    void this.start(member);
  }

  /** The machine of a member that has been removed from the cluster goes. */
  dismiss(member: MemberId): void {
    if (!this.isThere(member)) return;
    this.note(`${member} is no member any more`);
    this.cluster.remove(member);
    this.connectionsLost(member);
  }

  /** False when the machine is gone for good. */
  isThere(member: MemberId): boolean {
    return this.cluster.members.includes(member);
  }

  /** True time, in milliseconds since the world began. */
  nowMs(): number {
    return this.cluster.clock.monotonicMs();
  }

  /** The next place in the order of all that clients do and see. */
  place(): number {
    this.#places += 1;
    return this.#places;
  }

  note(text: string): void {
    this.trace.note(this.nowMs(), text);
  }

  /** The machine that a number of the plan stands for. */
  pick(number: number): MemberId {
    const { members } = this.cluster;
    return members[number % members.length] as MemberId;
  }

  /** The member that leads in the highest term, if one does. */
  leader(): MemberId | undefined {
    let leader: { id: MemberId; term: number } | undefined;
    for (const id of this.cluster.running) {
      const { isLeader, term } = this.cluster.get(id).member.core.facts();
      if (isLeader && (leader === undefined || term > leader.term)) leader = { id, term };
    }
    return leader?.id;
  }

  async start(member: MemberId): Promise<boolean> {
    const { driftMax } = this.setting;
    const rate = 1 + driftMax * (2 * this.random.fraction() - 1);
    const wallSkewMs = this.random.integer(-2000, 2000);
    return this.cluster.start(member, { clockFaults: { rate, wallSkewMs } });
  }

  /** Ends a process; its clients' connections break. */
  crash(member: MemberId, by: "process" | "power"): void {
    this.cluster.crash(member, by);
    this.connectionsLost(member);
  }

  /** The process at the other end of these connections is no more. */
  connectionsLost(member: MemberId): void {
    const open = this.#open.get(member);
    this.#open.delete(member);
    for (const lose of open ?? []) this.cluster.clock.after(1, lose);
  }

  /** Makes a unary call. `ended` runs exactly once, never during the call. */
  unary(at: MemberId, path: string, message: Uint8Array, ended: (end: CallEnd) => void, timeoutMs = 5000): void {
    const { clock } = this.cluster;
    let isOver = false;
    const finish = (end: CallEnd): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      this.#open.get(at)?.delete(lose);
      ended(end);
    };
    const call = new SimUnary(path, (ending) => void clock.after(0.1, () => finish(ending)));
    const lose = (): void => finish({ silence: "lost" });
    const timer = clock.after(timeoutMs, () => {
      this.cluster.enter(at, () => call.cancel());
      finish({ silence: "timeout" });
    });
    clock.after(0.1, () => {
      if (this.cluster.enter(at, (process) => process.unary(call, message))) this.#remember(at, lose);
      else finish({ silence: "unsent" });
    });
  }

  /** Opens a stream. `ended` runs once, with undefined when the connection broke. */
  stream(at: MemberId, path: string, client: StreamClient): { write(message: Uint8Array): void; close(): void } {
    let isOver = false;
    const finish = (status: Status | undefined): void => {
      if (isOver) return;
      isOver = true;
      this.#open.get(at)?.delete(lose);
      client.ended(status);
    };
    const lose = (): void => {
      call.drop();
      finish(undefined);
    };
    const call = new SimStream(path, {
      message: (message) => {
        if (!isOver) client.message(message);
      },
      ended: (status) => void this.cluster.clock.after(0.1, () => finish(status)),
    });
    if (this.cluster.enter(at, (process) => process.stream(call))) this.#remember(at, lose);
    else this.cluster.clock.after(1, lose);
    return {
      write: (message) => void this.cluster.enter(at, () => call.write(message)),
      close: () => {
        isOver = true;
        this.#open.get(at)?.delete(lose);
        this.cluster.enter(at, () => call.cancel());
      },
    };
  }

  #remember(at: MemberId, lose: () => void): void {
    const open = this.#open.get(at);
    if (open === undefined) this.#open.set(at, new Set([lose]));
    else open.add(lose);
  }
}
