import { Session } from "node:inspector/promises";

/** The profiles of Node that stand under the names of Go's. */
export const profileNames = [
  "allocs",
  "block",
  "cmdline",
  "goroutine",
  "heap",
  "mutex",
  "profile",
  "symbol",
  "threadcreate",
  "trace",
] as const;
export type ProfileName = (typeof profileNames)[number];

const usualSeconds: Readonly<Partial<Record<ProfileName, number>>> = {
  profile: 30,
  trace: 1,
  heap: 0.25,
  allocs: 0.25,
};
const secondsMax = 300;

/** Waits, no longer than the signal lasts. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** Takes profiles of this process through Node's inspector, one at a time. */
export class Profiler {
  readonly #wait: Wait;
  #isBusy = false;

  constructor(wait: Wait) {
    this.#wait = wait;
  }

  /**
   * Samples where the processor's time goes, or where memory comes from, for a while.
   * @returns the profile as Node's tools read it (`.cpuprofile`, `.heapprofile`), or undefined while another one is being taken.
   */
  async sample(
    name: "profile" | "trace" | "heap" | "allocs",
    given: number | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (this.#isBusy) return undefined;
    this.#isBusy = true;
    const session = new Session();
    session.connect();
    try {
      const seconds = Math.min(given ?? usualSeconds[name] ?? 1, secondsMax);
      const wait = (): Promise<void> => this.#wait(seconds * 1000, signal);
      const profile =
        name === "heap" || name === "allocs" ? await sampleHeap(session, wait) : await sampleTime(session, wait);
      return JSON.stringify(profile);
    } finally {
      session.disconnect();
      this.#isBusy = false;
    }
  }
}

async function sampleTime(session: Session, wait: () => Promise<void>): Promise<unknown> {
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  await wait();
  const { profile } = await session.post("Profiler.stop");
  return profile;
}

async function sampleHeap(session: Session, wait: () => Promise<void>): Promise<unknown> {
  await session.post("HeapProfiler.enable");
  await session.post("HeapProfiler.startSampling");
  await wait();
  const { profile } = await session.post("HeapProfiler.stopSampling");
  return profile;
}
