import fc from "fast-check";
import { codecOf, ProtoError, services } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import type { FakeStream, FakeUnary } from "../support/fake-call.js";
import type { Harness } from "../support/harness.js";
import { harnesses } from "../support/harnesses.js";

const mustStart = harnesses();
const noSpace = { error: { code: 8, message: "etcdserver: mvcc: database space exceeded" } };
const corrupt = { error: { code: 15, message: "etcdserver: corrupt cluster" } };

/** What the member has, and where it stands. */
async function contents(harness: Harness): Promise<unknown> {
  return [await harness.must("KV/Range", { key: "\0", rangeEnd: "\0" }), await harness.must("Maintenance/Alarm", {})];
}

describe("the two requests that kill etcd", () => {
  it.each([3, -1, 2_147_483_647])("refuses an alarm with the unknown action %i", async (action) => {
    const harness = await mustStart();
    const before = await contents(harness);
    const answer = await harness.ask("Maintenance/Alarm", { action, memberID: 1n, alarm: 1 });
    expect(answer).toEqual({ error: { code: 3, message: "etcdserver: unknown alarm action" } });
    expect(await contents(harness)).toEqual(before);
  });

  const keeps = [{ ignoreValue: true }, { ignoreLease: true }, { ignoreValue: true, ignoreLease: true }];
  it.each(keeps)(
    "refuses a transaction that deletes from a key on and keeps something of that key: %j",
    async (keep) => {
      const harness = await mustStart();
      await harness.must("Lease/LeaseGrant", { ID: 7n, TTL: 100n });
      await harness.must("KV/Put", { key: "b", value: "1", lease: 7n });
      const before = await contents(harness);
      const killer = [
        { request: { kind: "requestPut", value: { key: "a", value: "new", lease: 7n } } },
        { request: { kind: "requestDeleteRange", value: { key: "a", rangeEnd: "\0" } } },
        { request: { kind: "requestPut", value: { key: "b", ...keep } } },
      ];
      const watch = harness.stream("/etcdserverpb.Watch/Watch");
      expect(await harness.ask("KV/Txn", { success: killer })).toEqual({
        error: { code: 3, message: "etcdserver: key not found" },
      });
      expect(watch.take()).toEqual([]);
      expect(await contents(harness)).toEqual(before);
      expect(await harness.must("Lease/LeaseTimeToLive", { ID: 7n, keys: true })).toMatchObject({ keys: ["b"] });
      await harness.crash("process");
      await harness.start(); // the entry is in the log, and is refused again
      expect(await harness.must("KV/Range", { key: "\0", rangeEnd: "\0", countOnly: true })).toMatchObject({
        count: 1n,
      });
    },
  );
});

/** Pieces of a message: fields with any content, among them such that end too late. */
const field = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.constantFrom(0, 0, 1, 2, 2, 2, 3, 5, 7), fc.uint8Array({ maxLength: 12 }))
  .map(([number, type, content]) => {
    const tag = [(number << 3) | type];
    if (type === 2) return Buffer.from([...tag, content.length, ...content]);
    return Buffer.from([...tag, ...content]);
  });
const anyMessage = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.array(field, { maxLength: 6 }).map((fields) => Buffer.concat(fields)),
  fc
    .tuple(fc.array(field, { minLength: 1, maxLength: 6 }), fc.nat(40))
    .map(([fields, cut]) => Buffer.concat(fields).subarray(0, -cut)),
);

const methods = [...services.values()].flatMap(({ methods: all }) => [...all]);

/** True when a message can be read as the request of a method. */
function isReadable(path: string, message: Uint8Array): boolean {
  const method = methods.find((known) => known.path === path);
  if (method === undefined) throw new Error(`unknown method ${path}`);
  try {
    codecOf(method.request).decode(message);
    return true;
  } catch (error) {
    if (error instanceof ProtoError) return false;
    throw error;
  }
}

/** Sends one message by a call of the method's own kind. */
function send(harness: Harness, route: { path: string; kind: string }, message: Uint8Array): FakeUnary | FakeStream {
  if (route.kind === "unary") return harness.unary(route.path, message);
  if (route.kind === "server-stream") return harness.stream(route.path, message);
  const call = harness.stream(route.path);
  call.receive(message);
  return call;
}

describe("malformed requests", () => {
  it("are refused by every method, and the member lives", { timeout: 60_000 }, async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const harness = await mustStart({ options: { requestTimeoutMs: 7000 } });
    const unanswered = new Set<FakeUnary | FakeStream>();
    const property = fc.asyncProperty(fc.nat(), anyMessage, async (which, message) => {
      const route = harness.routes[which % harness.routes.length] as { path: string; kind: string };
      const call = send(harness, route, message);
      await harness.settle();
      if (!isReadable(route.path, message) && call.status?.code !== 12) {
        expect({ path: route.path, status: call.status }).toEqual({
          path: route.path,
          status: {
            code: 13,
            message: "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data",
          },
        });
      } else if (route.kind === "unary" && !call.isOver) unanswered.add(call);
      else call.cancel();
    });
    await fc.assert(property, { seed, numRuns: 3000, endOnFailure: true });
    await harness.advance(20_000);
    for (const call of unanswered) expect(call.isOver).toBe(true);
    const { alarms } = await harness.must("Maintenance/Alarm", {});
    for (const alarm of alarms as readonly object[]) await harness.must("Maintenance/Alarm", { action: 2, ...alarm });
    await harness.crash("process");
    await harness.start();
    await harness.must("KV/Put", { key: "alive", value: "1" });
  });

  it("end a stream of keep-alives or watches, and only that", async () => {
    const harness = await mustStart();
    const broken = Buffer.from([0x0a, 0xff]);
    for (const path of ["/etcdserverpb.Watch/Watch", "/etcdserverpb.Lease/LeaseKeepAlive"]) {
      const [good, bad] = [harness.stream(path), harness.stream(path)];
      bad.receive(broken);
      bad.receive(broken);
      bad.halfClose();
      await harness.settle();
      expect([bad.status?.code, bad.ends]).toEqual([13, 1]);
      expect(good.status).toBeUndefined();
    }
    expect(harness.member.core.watchStreams).toBe(1);
  });
});

/** A transaction in a transaction, so many times. */
function nestedTxn(depth: number): Uint8Array {
  const heads: Buffer[] = [];
  let length = 0;
  const wrap = (tag: number): void => {
    const head = [tag];
    for (let rest = length; ; rest >>>= 7) {
      head.push(rest < 128 ? rest : (rest & 0x7f) | 0x80);
      if (rest < 128) break;
    }
    heads.push(Buffer.from(head));
    length += head.length;
  };
  for (let level = 0; level < depth; level++) {
    wrap(0x22); // request_txn of a RequestOp
    wrap(0x12); // success of a TxnRequest
  }
  return Buffer.concat(heads.reverse());
}

describe("requests beyond the limits", () => {
  it.each([100, 127, 128, 129, 5000, 9999, 10_001, 100_000, 200_000])(
    "answers transactions nested %i deep",
    async (depth) => {
      const harness = await mustStart();
      const call = harness.unary("/etcdserverpb.KV/Txn", nestedTxn(depth));
      await harness.settle();
      // Each level takes one of the operations allowed; far below that the message itself is refused.
      const tooMany = { code: 3, message: "etcdserver: too many operations in txn request" };
      if (depth <= 128) expect(call.status).toEqual({ code: 0, message: "" });
      else if (depth < 150) expect(call.status).toEqual(tooMany);
      else expect(call.status?.code).toBe(13);
      await harness.must("KV/Put", { key: "alive" });
    },
  );

  it("refuses an entry larger than --max-request-bytes, and takes one that is just as large", async () => {
    const harness = await mustStart();
    const tooLarge = { error: { code: 3, message: "etcdserver: request is too large" } };
    const around = 1_572_864 - 40;
    const sizes = Array.from({ length: 60 }, (_, i) => around + i);
    const answers = new Map<number, boolean>();
    for (const size of sizes.filter((_, i) => i % 4 === 0)) {
      const answer = await harness.ask("KV/Put", { key: "k", value: "x".repeat(size) });
      if ("error" in answer) expect(answer).toEqual(tooLarge);
      answers.set(size, "ok" in answer);
    }
    const taken = [...answers].filter(([, isTaken]) => isTaken).map(([size]) => size);
    expect(taken.length).toBeGreaterThan(0);
    expect(Math.max(...taken)).toBeLessThan(1_572_864);
    expect(answers.get(around + 56)).toBe(false);
    const { kvs } = await harness.must("KV/Range", { key: "k" });
    expect((kvs as readonly { value: string }[])[0]?.value.length).toBe(Math.max(...taken));
  });

  it.each([
    { TTL: -9_223_372_036_854_775_808n, granted: 2n },
    { TTL: -1n, granted: 2n },
    { TTL: 0n, granted: 2n },
    { TTL: 9_000_000_000n, granted: 9_000_000_000n },
  ])("grants $granted seconds for a TTL of $TTL", async ({ TTL, granted }) => {
    const harness = await mustStart();
    expect(await harness.must("Lease/LeaseGrant", { ID: 5n, TTL })).toMatchObject({ ID: 5n, TTL: granted, error: "" });
    const told = { ID: 5n, TTL: granted, grantedTTL: granted };
    expect(await harness.must("Lease/LeaseTimeToLive", { ID: 5n })).toMatchObject(told);
    await harness.crash("process");
    await harness.start(); // a second more: the leader before might have promised it
    expect(await harness.must("Lease/LeaseTimeToLive", { ID: 5n })).toMatchObject({ ...told, TTL: granted + 1n });
  });

  it.each([9_000_000_001n, 9_223_372_036_854_775_807n])("refuses a TTL of %s", async (TTL) => {
    const harness = await mustStart();
    const answer = await harness.ask("Lease/LeaseGrant", { ID: 5n, TTL });
    expect(answer).toEqual({ error: { code: 11, message: "etcdserver: too large lease TTL" } });
    expect(await harness.must("Lease/LeaseLeases", {})).toMatchObject({ leases: [] });
  });

  it("stops writes that need space when the database is full, and goes on with all else", async () => {
    const harness = await mustStart({ options: { quotaBytes: 150_000, quotaShown: 150_000 } });
    await harness.must("Lease/LeaseGrant", { ID: 9n, TTL: 1000n });
    let last = await harness.ask("KV/Put", { key: "k0", value: "x".repeat(10_000) });
    for (let i = 1; "ok" in last && i < 100; i++) {
      last = await harness.ask("KV/Put", { key: `k${i}`, value: "x".repeat(10_000) });
      await harness.advance(150);
    }
    expect(last).toEqual(noSpace);
    await harness.crash("process");
    await harness.start();
    const put = { request: { kind: "requestPut", value: { key: "p" } } };
    const remove = { request: { kind: "requestDeleteRange", value: { key: "k0" } } };
    const large = "x".repeat(150_000);
    expect(await harness.ask("KV/Put", { key: "", value: large })).toEqual(noSpace); // before its key is looked at
    expect(await harness.ask("KV/Txn", { success: [put] })).toEqual(noSpace);
    expect(
      await harness.ask("KV/Txn", { failure: [{ request: { kind: "requestTxn", value: { success: [put] } } }] }),
    ).toEqual(noSpace);
    expect(await harness.ask("Lease/LeaseGrant", { ID: 10n, TTL: 10n })).toEqual(noSpace);
    const memberID = 0x1234_5678_9abc_def0n;
    expect(await harness.must("Maintenance/Alarm", {})).toMatchObject({ alarms: [{ memberID, alarm: 1 }] });
    expect(await harness.must("Maintenance/Status", {})).toMatchObject({
      errors: [`memberID:${memberID}  alarm:NOSPACE`],
    });
    await harness.must("KV/Txn", { success: [remove] });
    await harness.must("KV/DeleteRange", { key: "\0", rangeEnd: "\0" });
    const { header } = await harness.must("Lease/LeaseRevoke", { ID: 9n });
    await harness.must("KV/Compact", { revision: (header as { revision: bigint }).revision, physical: true });
    await harness.must("Maintenance/Defragment", {});
    await harness.must("Maintenance/Alarm", { action: 2, memberID, alarm: 1 });
    await harness.must("KV/Put", { key: "p", value: "1" });
  });

  it("refuses changes to a corrupt cluster, and still reads", async () => {
    const harness = await mustStart();
    await harness.must("KV/Put", { key: "a", value: "1" });
    await harness.must("Maintenance/Alarm", { action: 1, memberID: 3n, alarm: 2 });
    const read = { request: { kind: "requestRange", value: { key: "a" } } };
    const put = { request: { kind: "requestPut", value: { key: "a" } } };
    expect(await harness.ask("KV/Put", { key: "a" })).toEqual(corrupt);
    expect(await harness.ask("KV/DeleteRange", { key: "a" })).toEqual(corrupt);
    expect(await harness.ask("KV/Txn", { success: [put] })).toEqual(corrupt);
    expect(await harness.ask("KV/Compact", { revision: 1n })).toEqual(corrupt);
    expect(await harness.ask("Lease/LeaseGrant", { TTL: 10n })).toEqual(corrupt);
    expect(await harness.ask("Lease/LeaseRevoke", { ID: 1n })).toEqual(corrupt);
    expect(await harness.must("KV/Range", { key: "a" })).toMatchObject({ count: 1n });
    expect(await harness.must("KV/Txn", { success: [read] })).toMatchObject({ succeeded: true });
    await harness.must("Maintenance/Alarm", { action: 2, memberID: 3n, alarm: 2 });
    await harness.must("KV/Put", { key: "a" });
  });
});
