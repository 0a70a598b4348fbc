import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogIndex, type MemberId, silentLogger, silentMeter, type Term } from "@quorate/common";
import { openMvcc } from "@quorate/mvcc";
import { Metadata } from "@quorate/proto";
import { emptyConfState, encodeHardState } from "@quorate/raft";
import { SimulatedClock, SimulatedDisk, SimulatedRandom } from "@quorate/testkit";
import { openWal } from "@quorate/wal";
import { afterEach, describe, expect, it } from "vitest";
import { silentObserver } from "../../src/core/core-options.js";
import { encodeMark } from "../../src/core/log-mark.js";
import { receivedPath } from "../../src/core/received-file.js";
import { type RecoveredMember, recoverMember } from "../../src/recover.js";
import { clusterId, defaultOptions, memberId } from "../support/harness.js";

const term = 3 as Term;
const marked = 40 as LogIndex;
const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A member whose log has a snapshot's record at entry 40, and whose database has seen nothing yet. */
async function buildInterrupted() {
  const directory = mkdtempSync(join(tmpdir(), "quorate-adopt-"));
  directories.push(directory);
  const clock = new SimulatedClock();
  const random = new SimulatedRandom(1);
  const disk = new SimulatedDisk({}, { clock, random });
  const fatal = (error: Error): void => {
    throw error;
  };
  const ports = { clock, random, disk, logger: silentLogger, meter: silentMeter, fatal };
  const finished = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => {});
    await clock.advance(10);
    return promise;
  };
  const metadata = Metadata.encode({ NodeID: memberId, ClusterID: clusterId });
  const { wal } = await finished(openWal({ directory: "/wal", metadata }, ports));
  const confState = { ...emptyConfState, voters: [memberId, 2n as MemberId] };
  const state = encodeHardState({ term, vote: undefined, commit: marked });
  wal.append({ reset: encodeMark({ index: marked, term, confState }), entries: [], state, mustSync: true }, () => {});
  await finished(wal.close());
  const databasePath = `${directory}/db`;
  const recover = (): Promise<RecoveredMember> =>
    finished(
      recoverMember({ ...defaultOptions, databasePath }, { ...ports, turn: (run) => run(), observe: silentObserver }),
    );
  /** Puts a database that has applied so much where a received one lies. */
  const receive = async (applied: number, path = receivedPath(databasePath, marked)): Promise<void> => {
    const store = openMvcc({ path: `${directory}/other-db`, storeThread: false }, ports);
    store.markApplied({ index: applied as LogIndex, term });
    const backup = await store.backup();
    const pieces: Uint8Array[] = [];
    for await (const piece of backup.chunks(65_536)) pieces.push(piece);
    backup.close();
    await store.close();
    for (const name of ["other-db", "other-db-wal"]) rmSync(`${directory}/${name}`, { force: true });
    writeFileSync(path, Buffer.concat(pieces));
  };
  return { directory, databasePath, recover, receive };
}

describe("a start after a crash in the middle of an install", () => {
  it("takes the received database that the log speaks of, and goes on behind it", async () => {
    const { directory, recover, receive } = await buildInterrupted();
    await receive(40);
    writeFileSync(`${directory}/0000000000000050.snap.db.part`, "half");
    const { mvcc, log, markedIndex, raft, wal } = await recover();
    expect([mvcc.applied, markedIndex, log.firstIndex, raft.status().commit]).toEqual([
      { index: 40, term },
      40,
      41,
      40,
    ]);
    expect(readdirSync(directory).filter((name) => name.includes("snap.db"))).toEqual([]);
    await mvcc.close();
    void wal.close();
  });

  it("says what is missing when it is not there", async () => {
    const { recover, databasePath } = await buildInterrupted();
    await expect(recover()).rejects.toMatchObject({
      fault: {
        code: "recover/database-behind-log",
        snapshot: receivedPath(databasePath, marked),
        reason:
          "the log goes on after entry 40, the database ends with entry 0, and the snapshot between them is not there",
      },
    });
  });

  it("takes none that is of another entry, or cut short, and goes on when the database needs none", async () => {
    for (const spoil of [39, undefined]) {
      const { recover, receive, databasePath } = await buildInterrupted();
      const path = receivedPath(databasePath, marked);
      if (spoil === undefined) writeFileSync(path, "cut short");
      else await receive(spoil);
      await expect(recover()).rejects.toThrow("recover/database-behind-log");
      expect(existsSync(path)).toBe(false);
    }
    const { recover, receive, databasePath } = await buildInterrupted();
    await receive(40, databasePath);
    writeFileSync(receivedPath(databasePath, marked), "cut short");
    const { mvcc, wal } = await recover();
    expect(mvcc.applied.index).toBe(40);
    await mvcc.close();
    void wal.close();
  });
});
