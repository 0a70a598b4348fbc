import { Event } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { Watcher } from "../../src/watch/watcher.js";

const revisions = (events: readonly Event[]) => events.map((event) => Number(event.kv?.modRevision));
const eventAt = (revision: number): Event =>
  Event.create({ kv: { key: new Uint8Array([1]), modRevision: BigInt(revision) } as NonNullable<Event["kv"]> });
const eventsAt = (...all: number[]) => all.map(eventAt);

/** A watcher and what it has told. */
function buildWatcher(options: { start?: bigint; progressNotify?: boolean } = {}) {
  const batches: number[][] = [];
  const none = new Uint8Array(0);
  const request = { key: none, rangeEnd: none, filters: [], prevKv: false, fragment: true };
  const sink = {
    started: () => {},
    batch: (events: readonly Event[]) => void batches.push(revisions(events)),
    failed: () => {},
    isFull: false,
  };
  const { start = 0n, progressNotify = false } = options;
  const watcher = new Watcher({ ...request, progressNotify }, start, sink, { toStartMs: 10, toGoOnMs: 20 });
  return { watcher, batches };
}

const headerAt = (revision: bigint) => ({ clusterId: 1n, memberId: 2n, revision, raftTerm: 3n });
const whole = { header: headerAt(9n), isPart: false };
const part = { header: headerAt(9n), isPart: true };

describe("Watcher", () => {
  it("forgets part of an answer when the stream breaks, and gives it once when it comes again", () => {
    const { watcher, batches } = buildWatcher({ start: 2n });
    watcher.created(1n);
    watcher.receive(eventsAt(2, 2), part);
    watcher.broken(0);
    expect([batches, watcher.nextRevision]).toEqual([[], 2n]);
    watcher.receive(eventsAt(2, 2), part);
    watcher.receive(eventsAt(2, 3), whole);
    expect([batches, watcher.nextRevision]).toEqual([[[2, 2, 2, 3]], 4n]);
  });

  it("drops what it has given already, should a member send it again", () => {
    const { watcher, batches } = buildWatcher({ start: 2n });
    watcher.receive(eventsAt(2, 3), whole);
    watcher.receive(eventsAt(2, 3, 4), whole);
    watcher.receive(eventsAt(3, 4), whole);
    expect(batches).toEqual([[2, 3], [4]]);
  });

  it("fixes its beginning when it is created, and keeps it when it is created again later", () => {
    const { watcher } = buildWatcher();
    expect(watcher.createRequest().startRevision).toBe(0n);
    watcher.created(5n);
    watcher.broken(0);
    expect(watcher.createRequest().startRevision).toBe(6n);
    watcher.created(50n);
    expect(watcher.nextRevision).toBe(6n);
  });

  it("moves on with a progress notice, but not back, and not with the answer to a request for progress", () => {
    const { watcher, batches } = buildWatcher({ start: 2n, progressNotify: true });
    watcher.progress(headerAt(7n));
    watcher.progress(headerAt(3n));
    watcher.notifyProgress(headerAt(20n));
    expect([watcher.nextRevision, batches.length]).toEqual([8n, 3]);
  });

  it("waits for members as long as it was told, counted from when they were lost", () => {
    const { watcher } = buildWatcher();
    watcher.broken(9);
    expect([watcher.hasWaitedTooLong(9), watcher.hasWaitedTooLong(10)]).toEqual([false, true]);
    watcher.created(1n);
    watcher.broken(100);
    watcher.broken(110);
    expect([watcher.hasWaitedTooLong(119), watcher.hasWaitedTooLong(120)]).toEqual([false, true]);
  });
});
