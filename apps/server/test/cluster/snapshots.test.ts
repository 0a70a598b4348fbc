import { readdirSync } from "node:fs";
import type { MemberId } from "@quorate/common";
import { type LogFields, type Logger, silentLogger } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { CoreObserver } from "../../src/core/core-options.js";
import type { ClusterHarness, ClusterHarnessOptions } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";
import type { FakeStream } from "../support/fake-call.js";
import { decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = clusters();

/** A log in memory so short that a member that misses a few entries needs a snapshot. */
const shortLog = { catchUpBytes: 2000, snapshotCount: 40, segmentBytesMax: 16_384 };
const lagging = 3n as MemberId;

const start = (given: ClusterHarnessOptions = {}): Promise<ClusterHarness> =>
  mustStart({ options: shortLog, ...given });

async function putMany(harness: ClusterHarness, at: MemberId, count: number, value = "v"): Promise<void> {
  for (let i = 0; i < count; i++) await harness.must(at, "KV/Put", { key: `k${i % 60}`, value: `${value}${i}` });
}

async function leaderAmong(harness: ClusterHarness, members: readonly MemberId[]): Promise<MemberId> {
  await harness.cluster.until(() => harness.leader !== undefined && members.includes(harness.leader));
  return harness.leader as MemberId;
}

/** Every member has the same history, leases, members and alarms. */
async function mustBeEqual(harness: ClusterHarness): Promise<void> {
  await harness.level();
  const seen: unknown[] = [];
  for (const id of harness.cluster.running) {
    const { hash, compactRevision } = await harness.must(id, "Maintenance/HashKV", {});
    const { lessor, mvcc, membership } = harness.member(id).state;
    const leases = lessor.records().map((lease) => [lease.id, lessor.keysOf(lease.id)?.map((key) => `${key}`)]);
    seen.push({ hash, compactRevision, revision: mvcc.revision, leases, members: membership.list() });
  }
  for (const one of seen) expect(one).toEqual(seen[0]);
}

/** Files of snapshots that are left at a member. */
const leftAt = (harness: ClusterHarness, id: MemberId): string[] =>
  readdirSync(harness.cluster.machine(id).directory).filter(
    (name) => name.includes("snap.db") || name.includes("backup"),
  );

function watch(harness: ClusterHarness, at: MemberId, startRevision?: bigint): FakeStream {
  const stream = harness.stream(at, pathOf("Watch/Watch"));
  const value = { key: "a", rangeEnd: "z", ...(startRevision === undefined ? {} : { startRevision }) };
  stream.receive(encodeRequest("Watch/Watch", { requestUnion: { kind: "createRequest", value } }));
  return stream;
}

const messagesOf = (stream: FakeStream): PlainMessage[] =>
  stream.take().map((message) => decodeResponse("Watch/Watch", message));

const revisionsOf = (messages: readonly PlainMessage[]): unknown[] =>
  messages
    .flatMap(({ events }) => (events as PlainMessage[] | undefined) ?? [])
    .map(({ kv }) => (kv as PlainMessage).modRevision);

describe("a member that was away too long", () => {
  it("begins again from a snapshot, and is equal to the others then", async () => {
    const counted: unknown[] = [];
    const observe = (member: MemberId): Partial<CoreObserver> => ({
      snapshotSaved: ({ totalSeconds, syncSeconds }) => counted.push([member, totalSeconds >= syncSeconds]),
      snapshotInstalling: (isInstalling) => counted.push([member, isInstalling]),
    });
    const harness = await start({ observe });
    const grant = await harness.must(1n as MemberId, "Lease/LeaseGrant", { TTL: 500n, ID: 77n });
    expect(grant).toMatchObject({ ID: 77n });
    harness.cluster.crash(lagging, "process");
    const leader = await leaderAmong(harness, [1n, 2n] as MemberId[]);
    await putMany(harness, leader, 150);
    await harness.must(leader, "KV/Put", { key: "leased", value: "x", lease: 77n });
    const { header } = await harness.must(leader, "KV/DeleteRange", { key: "k1", rangeEnd: "k2" });
    await harness.must(leader, "KV/Compact", { revision: ((header as PlainMessage).revision as bigint) - 20n });
    await harness.start(lagging);
    await mustBeEqual(harness);
    expect(harness.cluster.network.counts.snapshots).toBe(1);
    expect(counted).toEqual([true, true, false].map((fact) => [lagging, fact]));
    expect(leftAt(harness, lagging)).toEqual([]);
    await putMany(harness, lagging, 5, "after");
    await mustBeEqual(harness);
    expect(harness.cluster.network.counts.snapshots).toBe(1);
  });

  it("stands on it: after it has restarted, too, and when it leads", async () => {
    const harness = await start();
    harness.cluster.crash(lagging, "power");
    const leader = await leaderAmong(harness, [1n, 2n] as MemberId[]);
    await harness.must(leader, "Lease/LeaseGrant", { TTL: 500n, ID: 5n });
    await putMany(harness, leader, 120);
    await harness.must(leader, "KV/Put", { key: "leased", value: "x", lease: 5n });
    await harness.start(lagging);
    await harness.level();
    harness.cluster.crash(lagging, "power");
    await harness.start(lagging);
    await mustBeEqual(harness);
    await harness.must(leader, "Maintenance/MoveLeader", { targetID: lagging });
    await leaderAmong(harness, [lagging]);
    await putMany(harness, 1n as MemberId, 30, "led");
    const { keys } = await harness.must(lagging, "Lease/LeaseTimeToLive", { ID: 5n, keys: true });
    expect(keys).toEqual(["leased"]);
    await harness.must(lagging, "Lease/LeaseRevoke", { ID: 5n });
    expect(await harness.must(1n as MemberId, "KV/Range", { key: "leased" })).toMatchObject({ count: 0n });
    await mustBeEqual(harness);
  });

  it("shows each event once to those who watched there all the time, and tells who needs what is compacted", async () => {
    const harness = await start();
    await putMany(harness, 1n as MemberId, 5);
    await harness.level();
    const live = watch(harness, lagging);
    const past = watch(harness, lagging, 3n);
    await harness.cluster.advance(50);
    expect(revisionsOf(messagesOf(past))).toEqual([3n, 4n, 5n, 6n]);
    const leader = await harness.led();
    const at = leader === lagging ? (1n as MemberId) : leader;
    harness.cluster.network.partition([[1n, 2n] as MemberId[], [lagging]]);
    await leaderAmong(harness, [1n, 2n] as MemberId[]);
    await putMany(harness, at, 90);
    harness.cluster.network.heal();
    await harness.level();
    await harness.cluster.until(() => harness.member(lagging).hub.stats().slowWatchers === 0);
    await putMany(harness, at, 3);
    await harness.level();
    await harness.cluster.advance(50);
    const wanted = Array.from({ length: 93 }, (_, i) => BigInt(7 + i));
    expect(revisionsOf(messagesOf(live))).toEqual(wanted);
    expect(revisionsOf(messagesOf(past))).toEqual(wanted);
    expect(harness.cluster.network.counts.snapshots).toBe(1);
    await harness.cluster.advance(31_000); // until then the log keeps what followed the snapshot
    harness.cluster.network.partition([[1n, 2n] as MemberId[], [lagging]]);
    await leaderAmong(harness, [1n, 2n] as MemberId[]);
    await putMany(harness, at, 90);
    await harness.must(at, "KV/Compact", { revision: 150n });
    harness.cluster.network.heal();
    await harness.level();
    await harness.cluster.advance(50);
    expect(messagesOf(live).at(-1)).toMatchObject({ canceled: true, compactRevision: 150n });
  });

  it("ends a long read of what was there before, and says why", async () => {
    const harness = await start();
    await harness.must(1n as MemberId, "KV/Put", { key: "k", value: "v" });
    for (let i = 0; i < 1500; i++) harness.begin(1n as MemberId, "KV/Put", { key: `r${i}`, value: "x".repeat(100) });
    await harness.cluster.advance(500);
    await harness.level();
    const request = { key: "r", rangeEnd: "s" };
    const read = harness.stream(lagging, pathOf("KV/RangeStream"), encodeRequest("KV/RangeStream", request));
    read.room = 0;
    await harness.cluster.advance(50);
    harness.cluster.network.partition([[1n, 2n] as MemberId[], [lagging]]);
    const leader = await leaderAmong(harness, [1n, 2n] as MemberId[]);
    await putMany(harness, leader, 90);
    harness.cluster.network.heal();
    await harness.cluster.until(() => harness.member(lagging).state.mvcc.revision > 1500 + 80);
    read.drain();
    await harness.cluster.until(() => read.isOver);
    expect(read.status).toMatchObject({
      message: "etcdserver: the database was replaced by a snapshot from the leader",
    });
    await mustBeEqual(harness);
  });

  it("answers who waits there for what the snapshot covers, and serves reads", async () => {
    const harness = await start();
    harness.cluster.network.partition([[1n, 2n] as MemberId[], [lagging]]);
    const leader = await leaderAmong(harness, [1n, 2n] as MemberId[]);
    await putMany(harness, leader, 90);
    const put = harness.begin(lagging, "KV/Put", { key: "mine", value: "1" });
    const read = harness.begin(lagging, "KV/Range", { key: "k1" });
    harness.cluster.network.heal();
    await harness.cluster.until(() => put.isOver && read.isOver);
    expect([put.ends, read.ends]).toEqual([1, 1]);
    await harness.level();
    expect(await harness.must(lagging, "KV/Range", { key: "k1" })).toMatchObject({ count: 1n });
    await mustBeEqual(harness);
  });

  it("shares one copy with another that was away, and leaves nothing behind", async () => {
    const sent: LogFields[] = [];
    const note = (message: string, fields?: LogFields): void => {
      if (message === "sending snapshot" && fields !== undefined) sent.push(fields);
    };
    const logger: Logger = { ...silentLogger, info: note };
    const harness = await start({ members: 5, logger: () => logger });
    for (const id of [4n, 5n] as MemberId[]) harness.cluster.crash(id, "process");
    const leader = await leaderAmong(harness, [1n, 2n, 3n] as MemberId[]);
    await putMany(harness, leader, 120);
    await harness.start(4n as MemberId, 5n as MemberId);
    await mustBeEqual(harness);
    expect(sent).toHaveLength(2);
    expect(sent[0]?.["snapshot-index"]).toBe(sent[1]?.["snapshot-index"]);
    await harness.cluster.advance(31_000);
    for (const id of harness.founders) expect(leftAt(harness, id)).toEqual([]);
  });

  it("finds what it needs in the log when that is short enough: no snapshot", async () => {
    const harness = await mustStart({ options: { catchUpBytes: 1_000_000 } });
    harness.cluster.crash(lagging, "process");
    await putMany(harness, await leaderAmong(harness, [1n, 2n] as MemberId[]), 150);
    await harness.start(lagging);
    await mustBeEqual(harness);
    expect(harness.cluster.network.counts.snapshots).toBe(0);
  });
});

describe("a snapshot whose way is hard", () => {
  const large = { members: 3, options: { ...shortLog } };

  /** A cluster whose lagging member is about to get a snapshot of some megabytes. */
  async function aboutToSend(given: ClusterHarnessOptions): Promise<{ harness: ClusterHarness; leader: MemberId }> {
    const harness = await start(given);
    harness.cluster.crash(lagging, "process");
    const leader = await leaderAmong(harness, [1n, 2n] as MemberId[]);
    for (let i = 0; i < 30; i++) await harness.must(leader, "KV/Put", { key: `large${i}`, value: "x".repeat(90_000) });
    return { harness, leader };
  }

  const receives = (harness: ClusterHarness): boolean => leftAt(harness, lagging).length > 0;

  it("goes on where its stream broke", async () => {
    const received: number[] = [];
    const note = (message: string, fields?: LogFields): void => {
      if (message === "a snapshot arrives") received.push(fields?.["received-bytes"] as number);
    };
    const logger: Logger = { ...silentLogger, debug: note };
    const network = { dropChance: 0, repeatChance: 0, delayMsMin: 1, delayMsMax: 1, breakChance: 0.2 };
    const { harness } = await aboutToSend({ ...large, network, logger: () => logger });
    await harness.start(lagging);
    await mustBeEqual(harness);
    expect(received.length).toBeGreaterThan(1);
    expect(received.some((bytes) => bytes > 0)).toBe(true);
  });

  it.each(["process", "power"] as const)("begins anew when its receiver dies in the middle (%s)", async (kind) => {
    const { harness } = await aboutToSend(large);
    for (let step = 0; step < 4; step++) {
      await harness.cluster.finished(harness.cluster.start(lagging));
      await harness.cluster.until(() => receives(harness));
      for (let i = 0; i < step * 3; i++) await harness.cluster.clock.step();
      harness.cluster.crash(lagging, kind);
      await harness.cluster.advance(20);
    }
    await harness.start(lagging);
    await mustBeEqual(harness);
    expect(leftAt(harness, lagging)).toEqual([]);
  });

  it("comes from the new leader when the old one dies while it sends", async () => {
    const { harness, leader } = await aboutToSend({ ...large, members: 5 });
    await harness.cluster.finished(harness.cluster.start(lagging));
    await harness.cluster.until(() => receives(harness));
    harness.cluster.crash(leader, "power");
    await harness.cluster.until(() => harness.leader !== undefined && harness.leader !== leader);
    await putMany(harness, harness.leader as MemberId, 20);
    await harness.cluster.until(() => harness.cluster.network.counts.snapshots > 0);
    await harness.start(leader);
    await mustBeEqual(harness);
  });

  const isWhole = (harness: ClusterHarness): boolean => leftAt(harness, lagging).some((name) => name.endsWith(".db"));

  it.each(Array.from({ length: 10 }, (_, i) => i + 1))(
    "is installed, or will be, when the power fails at operation %i of the disk after it has come",
    async (operation) => {
      const { harness } = await aboutToSend({ ...large, seed: operation });
      await harness.cluster.finished(harness.cluster.start(lagging));
      await harness.cluster.until(() => isWhole(harness));
      harness.cluster.crashAtOperation(lagging, operation);
      const isOver = (): boolean => harness.cluster.find(lagging) === undefined;
      const isLevel = (): boolean => !isOver() && harness.member(lagging).state.mvcc.revision >= 31;
      await harness.cluster.until(() => isOver() || isLevel());
      if (!isOver()) harness.cluster.crash(lagging, "power");
      await harness.cluster.advance(50);
      await harness.start(lagging);
      await mustBeEqual(harness);
    },
  );

  it("is taken at the next start when a crash came between the log's record and the database", async () => {
    const found: LogFields[] = [];
    const note = (message: string, fields?: LogFields): void => {
      if (message.startsWith("found snapshot database") && fields !== undefined) found.push(fields);
    };
    for (let step = 0; step < 12; step++) {
      const { harness } = await aboutToSend({
        ...large,
        seed: step + 1,
        logger: () => ({ ...silentLogger, info: note }),
      });
      harness.cluster.machine(lagging).syncMs = { min: 3, max: 3 };
      await harness.cluster.finished(harness.cluster.start(lagging));
      await harness.cluster.until(() => isWhole(harness));
      for (let i = 0; i < step; i++) await harness.cluster.clock.step();
      harness.cluster.crash(lagging, step % 2 === 0 ? "power" : "process");
      await harness.start(lagging);
      await mustBeEqual(harness);
      expect(leftAt(harness, lagging)).toEqual([]);
    }
    expect(found.length).toBeGreaterThan(0);
  }, 60_000);
});
