import { MemberProcess } from "@quorate/tests-compat";
import { shortLivedPrefix, Worker } from "./load.js";
import { MemberClient } from "./member-client.js";
import { CrashModel } from "./model.js";
import { observe } from "./observe.js";
import { SeededRandom } from "./random.js";

const expiryWithinMs = 60_000;
const firstStartKills = 5;

export type CrashOptions = {
  readonly rounds: number;
  readonly seed: number;
  /** Clients that write at the same time. Default 16. */
  readonly workers?: number;
  readonly binary?: string | undefined;
  readonly print?: (line: string) => void;
};

export type CrashReport = {
  readonly problems: readonly string[];
  readonly rounds: number;
  readonly acknowledged: number;
  readonly landed: number;
  readonly expired: number;
};

/** Kills a member at random moments under load, and checks after each restart what it has kept. Ends at the first problem. */
export async function runCrashLoop(options: CrashOptions): Promise<CrashReport> {
  const random = new SeededRandom(options.seed);
  const model = new CrashModel();
  const workers = Array.from({ length: options.workers ?? 16 }, (_one, index) => {
    return new Worker(`w${index}`, model, new SeededRandom(options.seed * 1000 + index));
  });
  const member = await MemberProcess.prepare({ binary: options.binary, flags: ["--log-level=warn"] });
  const problems: string[] = [];
  let round = 0;
  try {
    // The very first start makes the directory: it is killed a few times on its way.
    for (let kills = 0; kills < firstStartKills; kills++) await killWhileStarting(member, random);
    while (round < options.rounds && problems.length === 0) {
      round++;
      try {
        await oneRound(member, workers, random);
        problems.push(...(await recover(member, model, workers, random)));
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error)); // a refusal, a start that fails: not what was promised
      }
      const { acknowledged, unanswered, landed, expired } = model.counts;
      options.print?.(
        `round ${round}: revision ${model.checkedRevision}, compacted ${model.compactRevision}, ${acknowledged} acknowledged, ${landed} of ${unanswered} unanswered landed, ${expired} leases expired`,
      );
    }
    if (problems.length === 0) problems.push(...(await expire(member, model)));
    if (problems.length > 0) options.print?.(member.log.slice(-4000));
  } finally {
    await member.dispose();
  }
  const { acknowledged, landed, expired } = model.counts;
  return { problems, rounds: round, acknowledged, landed, expired };
}

/** Load until the kill. */
async function oneRound(member: MemberProcess, workers: readonly Worker[], random: SeededRandom): Promise<void> {
  if (!member.isRunning) member.start();
  const client = new MemberClient(member.clientPort);
  try {
    await waitUntilReady(client, member);
    let isOver = false;
    const load = Promise.all(workers.map((worker) => worker.run(client, () => isOver)));
    load.catch(() => {}); // awaited below
    await new Promise((resolve) => setTimeout(resolve, random.between(20, 1_500)));
    if (!member.isRunning) throw new Error(`the member ended by itself:\n${member.log.slice(-4000)}`);
    await member.stop("SIGKILL");
    isOver = true;
    await load;
  } finally {
    client.close();
  }
}

/** Start again (sometimes the start is killed too), look at everything, check it. */
async function recover(
  member: MemberProcess,
  model: CrashModel,
  workers: readonly Worker[],
  random: SeededRandom,
): Promise<string[]> {
  while (random.next() < 0.3) await killWhileStarting(member, random);
  member.start();
  const client = new MemberClient(member.clientPort);
  try {
    await waitUntilReady(client, member);
    const seen = await observe(client, model.compactRevision);
    const problems = model.check(seen);
    for (const worker of workers) worker.settle(seen.leases);
    return problems;
  } finally {
    client.close();
  }
}

async function killWhileStarting(member: MemberProcess, random: SeededRandom): Promise<void> {
  member.start();
  await new Promise((resolve) => setTimeout(resolve, random.between(5, 600)));
  await member.stop("SIGKILL");
}

/** @throws with the member's last words when it does not come up */
async function waitUntilReady(client: MemberClient, member: MemberProcess): Promise<void> {
  try {
    await client.waitUntilReady(() => member.isRunning);
  } catch (cause) {
    const state = member.isRunning ? "does not answer" : `has ended with ${JSON.stringify(await member.exit)}`;
    throw new Error(`the member ${state} after its start:\n${member.log.slice(-4000)}`, { cause });
  }
}

/** Leaves the member alone until the short leases have run out: they do so after a restart too, and take their keys with them. */
async function expire(member: MemberProcess, model: CrashModel): Promise<string[]> {
  const client = new MemberClient(member.clientPort);
  try {
    const until = performance.now() + expiryWithinMs;
    for (;;) {
      const seen = await observe(client, model.compactRevision);
      const problems = model.check(seen);
      const left = [...seen.keys.keys()].filter((key) => key.startsWith(shortLivedPrefix));
      if (problems.length > 0 || left.length === 0) return problems;
      if (performance.now() > until) return left.map((key) => `${key} has outlived its lease`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  } finally {
    client.close();
  }
}
