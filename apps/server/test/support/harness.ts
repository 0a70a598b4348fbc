import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type ClusterId, type MemberId, silentLogger, silentMeter, type Timer } from "@quorate/common";
import type { Logger, Meter, Tracer } from "@quorate/common";
import { StatusResponse } from "@quorate/proto";
import { SimulatedClock, SimulatedDisk, SimulatedRandom } from "@quorate/testkit";
import {
  GrpcServices,
  type Route,
  type ServerStreamHandler,
  type StreamHandler,
  type UnaryHandler,
} from "@quorate/transport";
import { type CoreObserver, silentObserver } from "../../src/core/core-options.js";
import { registerInterceptors } from "../../src/front/interceptors.js";
import { type Member, openMember } from "../../src/member.js";
import type { MemberOptions } from "../../src/member-options.js";
import { type CallOptions, FakeStream, FakeUnary, lend } from "./fake-call.js";
import { type Answer, answerOf, encodeRequest, pathOf } from "./method-codec.js";
import type { PlainMessage } from "./plain.js";

export const memberId = 0x1234_5678_9abc_def0n as MemberId;
export const clusterId = 0xfeed_0000_0000_cafen as ClusterId;

export type HarnessOptions = Readonly<{
  seed?: number;
  options?: Partial<MemberOptions>;
  tracer?: Tracer;
  meter?: Meter;
  logger?: Logger;
  observe?: Partial<CoreObserver>;
  /** How long a sync takes. */
  syncMs?: () => number;
}>;

/** A file system in memory where there is one: nothing here has to survive the machine. */
const scratch = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A clock that falls silent when its process has died. */
class LifeClock implements Clock {
  readonly #base: Clock;
  isOver = false;

  constructor(base: Clock) {
    this.#base = base;
  }

  monotonicMs(): number {
    return this.#base.monotonicMs();
  }

  wallMs(): number {
    return this.#base.wallMs();
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#base.after(delayMs, () => {
      if (!this.isOver) run();
    });
  }
}

/** One run of the member's process. */
type Life = {
  readonly member: Member;
  readonly services: GrpcServices;
  readonly clock: LifeClock;
  readonly directory: string;
};

/** What a member of a test is, but for the directory of its database. */
export const defaultOptions: Omit<MemberOptions, "databasePath"> = {
  name: "one",
  identity: { member: memberId, cluster: clusterId },
  initialMembers: [{ id: memberId, name: "one", peerURLs: ["http://localhost:2380"] }],
  clientURLs: ["http://localhost:2379"],
  walDirectory: "/wal",
  tickMs: 100,
  electionTicks: 10,
  isPreVoteOn: true,
  requestTimeoutMs: 7000,
  requestBytesMax: 1_572_864,
  txnOperationsMax: 128,
  quotaBytes: 2_147_483_648,
  quotaShown: 2_147_483_648,
  snapshotCount: 10_000,
  catchUpEntries: 5000,
  segmentsKept: 1,
  segmentBytesMax: 65_536,
  slowApplyMs: 100,
  watchProgressMs: 600_000,
  compactionBatchLimit: 1000,
  compactionSleepMs: 10,
  unsafeNoSync: false,
  hasLogThread: false,
  hasStoreThread: false,
  version: "3.7.1",
  learnersMax: 1,
  isReconfigStrict: true,
  storageVersion: "3.7.0",
};

/**
 * One whole member inside a test: its time, randomness and log disk are simulated, its database is a file in a directory of its own, and its clients
 * are calls made straight to the handlers. It can be stopped, killed and started again.
 */
export class Harness {
  readonly clock = new SimulatedClock();
  readonly random: SimulatedRandom;
  readonly disk: SimulatedDisk;
  /** What the member said it cannot live with. */
  readonly fatal: Error[] = [];
  readonly #given: HarnessOptions;
  readonly #root = mkdtempSync(join(scratch, "quorate-server-"));
  #life: Life | undefined;
  /** Earlier states of the database file, and the entry each has reached. */
  #earlier: { directory: string; flushed: number }[] = [];
  /** The database has said that it will not go back behind this entry. */
  #durable = 0;
  #directory: string;

  constructor(given: HarnessOptions = {}) {
    this.#given = given;
    this.random = new SimulatedRandom(given.seed ?? 1);
    const diskOptions = given.syncMs === undefined ? {} : { syncMs: given.syncMs };
    this.disk = new SimulatedDisk(diskOptions, { clock: this.clock, random: this.random.fork() });
    this.#directory = this.#root;
    this.disk.makeDirectory("/wal");
  }

  /** A member that serves. */
  static async started(given: HarnessOptions = {}): Promise<Harness> {
    const harness = new Harness(given);
    await harness.start();
    return harness;
  }

  get member(): Member {
    return this.#living().member;
  }

  /** What a listener would serve. */
  get services(): GrpcServices {
    return this.#living().services;
  }

  /** The methods that can be called. */
  get routes(): readonly Route[] {
    return this.#living().services.list();
  }

  async start(): Promise<void> {
    const clock = new LifeClock(this.clock);
    const { tracer, meter, logger, observe, options } = this.#given;
    const opening = openMember(
      { ...defaultOptions, ...options, databasePath: join(this.#directory, "db") },
      {
        clock,
        random: this.random.fork(),
        turn: (run) => void clock.after(0, run),
        logger: logger ?? silentLogger,
        meter: meter ?? silentMeter,
        observe: { ...silentObserver, ...observe },
        disk: this.disk,
        fatal: (error) => {
          // A machine without power runs nothing, so it is not a mistake that the member cannot go on.
          if (!clock.isOver && !this.disk.isDark) this.fatal.push(error);
        },
        ...(tracer === undefined ? {} : { tracer }),
      },
    );
    const member = await this.finished(opening);
    const services = new GrpcServices();
    registerInterceptors(services, member.front, () => {});
    member.register(services);
    this.#life = { member, services, clock, directory: this.#directory };
    await this.finished(member.ready);
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    const { member, clock } = this.#living();
    member.endStreams();
    await this.finished(member.stop());
    this.#durable = Math.max(this.#durable, member.state.mvcc.durable.index);
    clock.isOver = true;
    this.#life = undefined;
    this.#mustBeSound();
  }

  /** Deletes the database of a member that does not run. */
  loseDatabase(): void {
    for (const name of readdirSync(this.#directory)) {
      if (name.startsWith("db")) rmSync(join(this.#directory, name), { force: true, recursive: true });
    }
    this.#earlier = [];
    this.#durable = 0;
  }

  /**
   * Notes the database file as it is now: a state that a loss of power may go back to, unless the database has said meanwhile that something later is
   * durable.
   */
  noteDatabase(): void {
    const flushed = this.member.state.mvcc.flushed.index;
    this.#earlier.push({ directory: this.#copyDatabase(this.#directory), flushed });
  }

  /**
   * `kill -9`, or with "power" the end of the machine: what the log had not synced may be gone, and the database may be as it was noted earlier, as
   * SQLite's promise is.
   */
  async crash(kind: "process" | "power"): Promise<void> {
    const { member, clock } = this.#living();
    clock.isOver = true;
    this.#life = undefined;
    this.#durable = Math.max(this.#durable, member.state.mvcc.durable.index);
    const possible = kind === "power" ? this.#earlier.filter(({ flushed }) => flushed >= this.#durable) : [];
    this.#directory = this.#copyDatabase(this.random.pick([{ directory: this.#directory }, ...possible]).directory);
    if (kind === "power") this.#earlier = [];
    if (kind === "power") this.disk.crash();
    else this.disk.killProcess();
    await member.state.mvcc.close(); // of the file that was left behind
    this.#mustBeSound();
  }

  /** Ends everything, and takes the files away. */
  async dispose(): Promise<void> {
    if (this.#life !== undefined) await this.crash("process");
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** Lets all happen that needs no time. */
  async settle(): Promise<void> {
    await this.clock.advance(0);
    this.#mustBeSound();
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.#mustBeSound();
  }

  /** Lets things happen, and time pass where there is no other way, until a promise is kept. */
  async finished<T>(promise: Promise<T>): Promise<T> {
    const state = { isOver: false };
    const end = (): void => {
      state.isOver = true;
    };
    promise.then(end, end);
    for (let ms = 0; ; ms++) {
      await this.clock.advance(ms === 0 ? 0 : 1);
      if (state.isOver) return promise;
      if (ms > 60_000) throw new Error("not finished within a minute of simulated time");
      this.#mustBeSound();
    }
  }

  /** Begins a unary call with bytes of any kind. */
  unary(path: string, message: Uint8Array, options: CallOptions = {}): FakeUnary {
    const { services } = this.#living();
    const call = new FakeUnary(path, options);
    const refusal = services.refusalOf(call);
    if (refusal === undefined) lend(message, (lent) => (this.#handlerOf(path) as UnaryHandler)(call, lent));
    else call.fail(refusal);
    return call;
  }

  /** Begins a call that streams. @param message the request of a call that streams only its answers. */
  stream(path: string, message?: Uint8Array, options: CallOptions = {}): FakeStream {
    const call = new FakeStream(path, message === undefined ? "bidi" : "server-stream", options);
    const handler = this.#handlerOf(path);
    if (message === undefined) (handler as StreamHandler)(call);
    else lend(message, (lent) => (handler as ServerStreamHandler)(call, lent));
    return call;
  }

  /** Makes a unary call of a method like "KV/Put" and waits for its end. */
  async ask(method: string, request: PlainMessage): Promise<Answer> {
    const call = this.begin(method, request);
    await this.settle();
    for (let ms = 0; !call.isOver && ms < 20_000; ms += 10) await this.advance(10);
    return answerOf(method, call);
  }

  /** Begins a unary call of a method like "KV/Put". */
  begin(method: string, request: PlainMessage, options: CallOptions = {}): FakeUnary {
    return this.unary(pathOf(method), encodeRequest(method, request), options);
  }

  /** The answer of a call that has to succeed. */
  async must(method: string, request: PlainMessage): Promise<PlainMessage> {
    const answer = await this.ask(method, request);
    if ("error" in answer) throw new Error(`${method} failed: ${answer.error.message}`);
    return answer.ok;
  }

  /** Revision and term, as the member tells them. */
  async status(): Promise<StatusResponse> {
    const call = this.unary("/etcdserverpb.Maintenance/Status", new Uint8Array(0));
    await this.settle();
    return StatusResponse.decode(call.message as Uint8Array);
  }

  #copyDatabase(from: string): string {
    const to = mkdtempSync(join(this.#root, "life-"));
    for (const name of ["db", "db-wal"]) {
      if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
    }
    return to;
  }

  #handlerOf(path: string): UnaryHandler | ServerStreamHandler | StreamHandler {
    const route = this.#living().services.find(path);
    if (!("handler" in route)) throw new Error(`no such method: ${path}`);
    return route.handler;
  }

  #living(): Life {
    if (this.#life === undefined) throw new Error("the member does not run");
    return this.#life;
  }

  #mustBeSound(): void {
    const [first] = this.fatal;
    if (first !== undefined) throw first;
  }
}
