import type { Clock } from "@quorate/common";
import type { Body, BodyJob, BodyResult } from "./body/jobs.js";

/** Work that goes on in slices beside the flushes: a compaction, a hash, a backup. */
export interface BackgroundTask {
  /** The next slice, or undefined while it has to wait (it wakes the scheduler itself then). */
  nextJob(): BodyJob | undefined;
  /** Takes a slice's result. True: the task is over. */
  take(result: BodyResult): boolean;
  /** It will not go on: whoever waits for it is told why. */
  fail(error: Error): void;
}

/** The work that comes first: whatever the store wants done now. */
export type UrgentWork = () => { job: BodyJob; done: (result: BodyResult) => void } | undefined;

/**
 * Decides what the body does next; one job at a time. Urgent work (flushes, checkpoints) and background slices take turns when
 * there is both, so that neither starves.
 */
export class Scheduler {
  readonly #body: Body;
  readonly #clock: Clock;
  readonly #urgent: UrgentWork;
  readonly #changed: (result: BodyResult) => void;
  readonly #tasks: BackgroundTask[] = [];
  #isBusy = false;
  #isPumping = false;
  #isStopped = false;
  #wasUrgent = false;
  #whenIdle: (() => void)[] = [];

  /** @param changed runs after each job, before its own result is taken. */
  constructor(body: Body, clock: Clock, urgent: UrgentWork, changed: (result: BodyResult) => void) {
    this.#body = body;
    this.#changed = changed;
    this.#clock = clock;
    this.#urgent = urgent;
  }

  add(task: BackgroundTask): void {
    this.#tasks.push(task);
    this.pump();
  }

  /** Runs something after a pause, and looks for work then. */
  after(delayMs: number, run: () => void): void {
    this.#clock.after(delayMs, () => {
      run();
      this.pump();
    });
  }

  /** Starts what can be started. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isBusy && !this.#isStopped && this.#startOne());
    this.#isPumping = false;
    if (!this.#isBusy) this.#tellIdle();
  }

  /** Starts nothing any more and waits for the job that runs. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#isBusy) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** The body is gone: the job that runs will never answer. */
  fail(error: Error): void {
    this.#isStopped = true;
    this.#isBusy = false;
    this.failTasks(error);
    this.#tellIdle();
  }

  /** Gives up all that goes on in slices. */
  failTasks(error: Error): void {
    for (const task of this.#tasks.splice(0)) task.fail(error);
  }

  #startOne(): boolean {
    const background = this.#wasUrgent ? this.#nextSlice() : undefined;
    if (background !== undefined) {
      this.#runSlice(background.task, background.job);
      return true;
    }
    const urgent = this.#urgent();
    if (urgent !== undefined) {
      this.#wasUrgent = true;
      this.#run(urgent.job, urgent.done);
      return true;
    }
    const slice = this.#nextSlice();
    if (slice === undefined) return false;
    this.#runSlice(slice.task, slice.job);
    return true;
  }

  /** The first task that is ready; it goes to the end of the line. */
  #nextSlice(): { task: BackgroundTask; job: BodyJob } | undefined {
    for (const task of this.#tasks) {
      const job = task.nextJob();
      if (job === undefined) continue;
      this.#tasks.push(...this.#tasks.splice(this.#tasks.indexOf(task), 1));
      return { task, job };
    }
    return undefined;
  }

  #runSlice(task: BackgroundTask, job: BodyJob): void {
    this.#wasUrgent = false;
    this.#run(job, (result) => {
      const place = this.#tasks.indexOf(task);
      if (place === -1) return; // It was given up while its job ran.
      if (task.take(result)) this.#tasks.splice(place, 1);
    });
  }

  #run(job: BodyJob, done: (result: BodyResult) => void): void {
    this.#isBusy = true;
    this.#body.run(job, (result) => {
      this.#isBusy = false;
      this.#changed(result);
      done(result);
      this.pump();
    });
  }

  #tellIdle(): void {
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const run of waiting) run();
  }
}
