import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, type Clock, type MemberId, type PeerNetwork } from "@quorate/common";
import { SimulatedClock } from "./simulated-clock.js";
import type { SimulatedDisk } from "./simulated-disk.js";
import { type ClockFaults, SimulatedLife, trueClock } from "./simulated-life.js";
import { type DatabaseMark, SimulatedMachine } from "./simulated-machine.js";
import { calmNetwork, type NetworkFaults, SimulatedNetwork } from "./simulated-network.js";
import { SimulatedRandom } from "./simulated-random.js";

/** The world of one run of a member's process. */
export type MemberWorld = Readonly<{
  member: MemberId;
  clock: Clock;
  random: SimulatedRandom;
  disk: SimulatedDisk;
  network: PeerNetwork;
  /** A real directory for the files that a database opens itself: they are called `db` and `db-wal`. */
  directory: string;
  /** Runs it once what has arrived together has been taken in. */
  turn: (run: () => void) => void;
  /** The process cannot go on. That ends the run, unless the process is over anyway. */
  fatal: (error: Error) => void;
}>;

/** What `createMember` makes. */
export interface SimulatedProcess {
  /** An orderly end. */
  stop(): Promise<void>;
  /** The process is dead: lets go of real files. What it still writes is lost. */
  abandon(): Promise<void>;
  /** Where the database stands; undefined when it has none. */
  databaseMark(): DatabaseMark | undefined;
}

export type SimulatedClusterOptions<Process extends SimulatedProcess> = Readonly<{
  seed: number;
  /** Starts a process. It may fail: `start` throws what it throws. */
  createMember: (world: MemberWorld) => Promise<Process>;
  network?: NetworkFaults | undefined;
  /** A process has met the loss of power that `crashAtOperation` ordered. */
  onDark?: ((member: MemberId) => void) | undefined;
  /** A process cannot go on. True says that this was to be expected: it ends, as by a loss of power, and the run goes on. */
  onFatal?: ((member: MemberId, error: Error) => boolean) | undefined;
}>;

/** A file system in memory where there is one: nothing here has to survive the machine. */
const scratch = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/**
 * Machines with one member each, in one process and one thread, in a world that one seed decides: time, network, disks. Members are processes that can
 * be stopped, killed, paused and started again; machines can lose their power in the middle of a write.
 */
export class SimulatedCluster<Process extends SimulatedProcess> {
  readonly clock = new SimulatedClock();
  readonly random: SimulatedRandom;
  readonly network: SimulatedNetwork;
  readonly #options: SimulatedClusterOptions<Process>;
  readonly #root = mkdtempSync(join(scratch, "quorate-cluster-"));
  readonly #machines = new Map<MemberId, SimulatedMachine>();
  readonly #processes = new Map<MemberId, Process>();
  /** What members said they cannot live with. */
  readonly #fatal: Error[] = [];

  constructor(options: SimulatedClusterOptions<Process>) {
    this.#options = options;
    this.random = new SimulatedRandom(options.seed);
    const ports = { clock: this.clock, random: this.random.fork() };
    this.network = new SimulatedNetwork(options.network ?? calmNetwork, ports);
  }

  /** Machines, running or not, in the order in which they were added. */
  get members(): readonly MemberId[] {
    return [...this.#machines.keys()];
  }

  /** Members whose process has come up and is not over, paused ones too. */
  get running(): readonly MemberId[] {
    return this.members.filter((member) => this.#processes.has(member));
  }

  /** A new machine. Nothing runs on it. */
  add(member: MemberId): SimulatedMachine {
    assert(!this.#machines.has(member), "a machine is added once");
    const options = { member, root: this.#root, onDark: () => this.#darken(member) };
    const machine = new SimulatedMachine(options, { clock: this.clock, random: this.random.fork() });
    this.#machines.set(member, machine);
    return machine;
  }

  machine(member: MemberId): SimulatedMachine {
    const machine = this.#machines.get(member);
    assert(machine !== undefined, "the machine exists");
    return machine;
  }

  /** The process that runs there. */
  find(member: MemberId): Process | undefined {
    return this.#processes.get(member);
  }

  /** @throws AssertionError when it does not run. */
  get(member: MemberId): Process {
    const process = this.find(member);
    assert(process !== undefined, "the member runs");
    return process;
  }

  /**
   * Starts a process. Time has to pass for that: see `finished`.
   * @returns false when it ended before it had come up.
   */
  async start(member: MemberId, options: { clockFaults?: ClockFaults } = {}): Promise<boolean> {
    const machine = this.machine(member);
    assert(machine.life === undefined && !machine.disk.isDark, "a machine has power and runs one process");
    const { random } = machine;
    const startMs = random.integer(0, 1_000_000);
    const life = new SimulatedLife(this.clock, { clockFaults: options.clockFaults ?? trueClock, startMs });
    machine.life = life;
    const world: MemberWorld = {
      member,
      clock: life.clock,
      random: random.fork(),
      disk: machine.disk,
      network: this.network.join(member, (run) => life.enter(run)),
      directory: machine.directory,
      turn: (run) => void life.clock.after(0, run),
      fatal: (error) => {
        if (life.isOver) return;
        if (this.#options.onFatal?.(member, error) === true) this.#die(member);
        else this.#fatal.push(error);
      },
    };
    try {
      const process = await this.#options.createMember(world);
      if (life.isOver) {
        this.#abandon(machine, process);
        return false;
      }
      this.#processes.set(member, process);
      return true;
    } catch (error) {
      if (life.isOver) return false;
      this.#end(machine);
      throw error;
    }
  }

  /** An orderly end. Time has to pass for that. @returns false when the process ended otherwise meanwhile. */
  async stop(member: MemberId): Promise<boolean> {
    const machine = this.machine(member);
    const { life } = machine;
    await this.get(member).stop();
    if (life === undefined || life.isOver) return false;
    this.#end(machine);
    machine.stopped();
    return true;
  }

  /**
   * `kill -9`, or with "power" the end of the machine: what the disk had not synced may be gone or torn, and the database file may be as it was noted.
   * A process that is coming up can be killed, too.
   */
  crash(member: MemberId, kind: "process" | "power"): void {
    const machine = this.machine(member);
    const process = this.#processes.get(member);
    this.#end(machine);
    machine.loseDatabase(kind, process?.databaseMark());
    machine.crashDisk(kind);
    this.#abandon(machine, process);
  }

  /** The power goes away at the so manyth operation of the disk from now on. `onDark` tells when that has happened. */
  crashAtOperation(member: MemberId, operationsFromNow: number): void {
    const { disk } = this.machine(member);
    disk.losePowerAt(disk.operations + operationsFromNow);
  }

  /** Keeps the database file as it is for a later loss of power to bring back. */
  noteDatabase(member: MemberId): void {
    const mark = this.#processes.get(member)?.databaseMark();
    if (mark !== undefined) this.machine(member).note(mark);
  }

  pause(member: MemberId): void {
    this.machine(member).life?.pause();
  }

  wake(member: MemberId): void {
    this.machine(member).life?.wake();
  }

  /** The disk of that machine is lost and replaced by an empty one. Nothing may run there. */
  wipe(member: MemberId): void {
    const machine = this.machine(member);
    assert(machine.life === undefined, "nothing runs on a machine that is replaced");
    machine.wipe();
  }

  /** The machine is gone for good. */
  remove(member: MemberId): void {
    if (this.machine(member).life !== undefined) this.crash(member, "process");
    this.#machines.delete(member);
  }

  /** Lets a client, or whoever is outside, do something in the process there. @returns false when none is running. */
  enter(member: MemberId, run: (process: Process) => void): boolean {
    const life = this.#machines.get(member)?.life;
    const process = this.#processes.get(member);
    if (life === undefined || process === undefined || life.isOver) return false;
    life.enter(() => run(process));
    return true;
  }

  /** Lets time pass. @throws what a member said it cannot live with. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.mustBeSound();
  }

  /** Lets time pass until a promise is kept. @throws AssertionError after `limitMs` (a minute). */
  async finished<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    const state = { isOver: false };
    const end = (): void => {
      state.isOver = true;
    };
    promise.then(end, end);
    await this.until(() => state.isOver, limitMs);
    return promise;
  }

  /** Lets time pass, a timer after the other, until something is so. @throws AssertionError when it is not within `limitMs` (a minute). */
  async until(isSo: () => boolean, limitMs = 60_000): Promise<void> {
    const endMs = this.clock.monotonicMs() + limitMs;
    await this.clock.advance(0);
    while (!isSo()) {
      this.mustBeSound();
      const hasRung = await this.clock.step();
      assert(hasRung || isSo(), "there is a timer left that can make it so");
      assert(this.clock.monotonicMs() <= endMs, "it is so in time");
    }
    this.mustBeSound();
  }

  /** @throws what a member said it cannot live with. */
  mustBeSound(): void {
    const [first] = this.#fatal;
    if (first !== undefined) throw first;
  }

  /** Ends everything, and takes the files away. */
  async dispose(): Promise<void> {
    const processes = [...this.#processes.values()];
    for (const machine of this.#machines.values()) if (machine.life !== undefined) this.#end(machine);
    await Promise.all(processes.map((process) => process.abandon()));
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** Inside an operation of the disk: the process has done its last, whatever its code still does now. */
  #darken(member: MemberId): void {
    this.#die(member, () => this.#options.onDark?.(member));
  }

  /** Called from within the process. */
  #die(member: MemberId, done: () => void = () => {}): void {
    const machine = this.machine(member);
    const process = this.#processes.get(member);
    this.#end(machine);
    machine.loseDatabase("power", process?.databaseMark());
    this.clock.after(0, () => {
      machine.crashDisk("power");
      this.#abandon(machine, process);
      done();
    });
  }

  #abandon(machine: SimulatedMachine, process: Process | undefined): void {
    process?.abandon().then(
      () => machine.sweep(),
      () => {}, // it is dead: how it fails matters to nobody
    );
  }

  #end(machine: SimulatedMachine): void {
    machine.life?.end();
    machine.life = undefined;
    this.network.leave(machine.member);
    this.#processes.delete(machine.member);
  }
}
