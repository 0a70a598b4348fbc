import { expect } from "vitest";
import type { FakeStream } from "../support/fake-call.js";
import { clusterId, type Harness, memberId } from "../support/harness.js";
import { type Answer, answerOf, decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";
import { Model } from "./model.js";
import { type Operation, type RelativeRevision, streamCount, type Write } from "./operations.js";

const unanswered = Symbol("unanswered");

/** Carries out a history on a member and on the model, and compares all that clients see. */
export class HistoryRun {
  readonly #harness: Harness;
  readonly #model = new Model({ clusterId, memberId });
  #streams: FakeStream[] = [];
  #term = 0;
  #steps = 0;

  constructor(harness: Harness) {
    this.#harness = harness;
  }

  async begin(): Promise<void> {
    await this.#led(this.#harness.clock.monotonicMs());
  }

  async step(operation: Operation): Promise<void> {
    await this.#carryOut(operation);
    this.#model.advance(this.#harness.clock.monotonicMs());
    this.#compareWatches();
    this.#steps += 1;
    if (this.#steps % 6 === 0) this.#harness.noteDatabase();
  }

  async #carryOut(operation: Operation): Promise<void> {
    const model = this.#model;
    switch (operation.kind) {
      case "range":
        return this.#range(operation);
      case "put":
      case "delete":
      case "txn":
      case "revoke": {
        const { method, request } = requestOf(operation);
        return this.#same(method, request, this.#write(operation));
      }
      case "burst":
        return this.#burst(operation.writes);
      case "compact":
        return this.#compact(operation);
      case "grant":
        return this.#grant(operation);
      case "time-to-live": {
        const request = { ID: operation.ID, keys: operation.keys };
        return this.#same("Lease/LeaseTimeToLive", request, model.leaseTimeToLive(request));
      }
      case "leases":
        return this.#same("Lease/LeaseLeases", {}, model.leaseLeases());
      case "keep-alive":
        return this.#keepAlive(operation.ID);
      case "wait":
        return this.#harness.advance(operation.ms);
      case "watch": {
        const startRevision = operation.start === undefined ? 0n : this.#revision(operation.start);
        const request = { ...operation.request, startRevision };
        await this.#send(operation.stream, { kind: "createRequest", value: request });
        return model.watches.create(operation.stream, request);
      }
      case "cancel":
        await this.#send(operation.stream, { kind: "cancelRequest", value: { watchId: operation.watchId } });
        return model.watches.cancel(operation.stream, operation.watchId);
      case "progress":
        await this.#send(operation.stream, { kind: "progressRequest", value: {} });
        return model.watches.progress(operation.stream);
      case "restart":
        return this.#restart(operation.by);
      case "crash-in-flight":
        return this.#crashInFlight(operation);
    }
  }

  async #same(method: string, request: PlainMessage, expected: Answer): Promise<void> {
    expect(await this.#harness.ask(method, request)).toEqual(expected);
  }

  #write(write: Write): Answer {
    switch (write.kind) {
      case "put":
        return this.#model.put(write.request);
      case "delete":
        return this.#model.deleteRange(write.request);
      case "txn":
        return this.#model.txn(write.request);
      case "revoke":
        return this.#model.leaseRevoke({ ID: write.ID });
    }
  }

  /** What is sent in one turn is done in the order in which it was sent. */
  async #burst(writes: readonly Write[]): Promise<void> {
    const calls = writes.map((write) => {
      const { method, request } = requestOf(write);
      return { method, call: this.#harness.begin(method, request) };
    });
    await this.#harness.settle();
    const answers = calls.map(({ method, call }) => answerOf(method, call));
    expect(answers).toEqual(writes.map((write) => this.#write(write)));
  }

  async #range(operation: Extract<Operation, { kind: "range" }>): Promise<void> {
    const revision = operation.revision === undefined ? 0n : this.#revision(operation.revision);
    const request = { ...operation.request, revision };
    if (!operation.isStream) return this.#same("KV/Range", request, this.#model.range(request));
    const expected = this.#model.rangeStream(request);
    const call = this.#harness.stream(pathOf("KV/RangeStream"), encodeRequest("KV/RangeStream", request));
    await this.#harness.settle();
    const chunks = call.take().map((message) => decodeResponse("KV/RangeStream", message));
    if ("error" in expected) expect({ status: call.status, chunks }).toEqual({ status: expected.error, chunks: [] });
    else expect({ status: call.status, chunks }).toEqual({ status: { code: 0, message: "" }, chunks: expected.chunks });
  }

  /** The space is freed before anything else happens, so that what is left of the compacted revision is certain. */
  async #compact(operation: Extract<Operation, { kind: "compact" }>): Promise<void> {
    const request = { revision: this.#revision(operation.revision), physical: operation.physical };
    await this.#same("KV/Compact", request, this.#model.compact(request));
    await this.#harness.advance(30);
  }

  async #grant({ ID, TTL }: { ID: bigint; TTL: bigint }): Promise<void> {
    const answer = await this.#harness.ask("Lease/LeaseGrant", { ID, TTL });
    const chosen = ID === 0n && "ok" in answer ? (answer.ok.ID as bigint) : ID;
    if (ID === 0n && "ok" in answer) {
      expect(chosen).toBeGreaterThan(0n);
      expect(this.#model.leases.has(chosen)).toBe(false);
    }
    expect(answer).toEqual(this.#model.leaseGrant({ ID, TTL }, chosen));
  }

  async #keepAlive(ID: bigint): Promise<void> {
    const call = this.#harness.stream(pathOf("Lease/LeaseKeepAlive"));
    const { answer, isPending } = this.#model.leaseKeepAlive(ID);
    call.receive(encodeRequest("Lease/LeaseKeepAlive", { ID }));
    await this.#harness.settle();
    if (isPending) {
      expect(call.take()).toEqual([]);
      await this.#harness.advance(500);
    }
    expect(call.take().map((message) => decodeResponse("Lease/LeaseKeepAlive", message))).toEqual([answer]);
    call.halfClose();
    await this.#harness.settle();
    expect(call.status).toEqual({ code: 0, message: "" });
  }

  async #send(stream: number, requestUnion: PlainMessage): Promise<void> {
    (this.#streams[stream] as FakeStream).receive(encodeRequest("Watch/Watch", { requestUnion }));
    await this.#harness.settle();
  }

  async #restart(by: "stop" | "process" | "power"): Promise<void> {
    if (by === "stop") await this.#harness.stop();
    else await this.#harness.crash(by);
    const ended = by === "stop" ? { code: 14, message: "etcdserver: server stopped" } : undefined;
    for (const stream of this.#streams) expect(stream.status).toEqual(ended);
    await this.#startAgain(by === "stop");
  }

  /** The member dies while it works on a put: afterwards that is there whole or not at all, and if it was answered it is there. */
  async #crashInFlight(operation: Extract<Operation, { kind: "crash-in-flight" }>): Promise<void> {
    const call = this.#harness.begin("KV/Put", operation.request);
    // No time passes: all that a put takes happens at once.
    for (let timers = 0; timers < operation.timers && !call.isOver; timers++) await this.#harness.clock.step();
    const answer = call.isOver ? (call.status?.code ?? 0) === 0 : unanswered;
    await this.#harness.crash(operation.by);
    await this.#startAgain(false);
    const { header } = await this.#harness.status();
    const isThere = header?.revision === BigInt(this.#model.store.revision + 1);
    if (answer !== unanswered) expect(isThere).toBe(answer);
    if (isThere) expect("ok" in this.#model.put(operation.request)).toBe(true);
    else expect(header?.revision).toBe(BigInt(this.#model.store.revision));
    for (let stream = 0; stream < streamCount; stream++) this.#model.watches.take(stream);
  }

  async #startAgain(isOrderly: boolean): Promise<void> {
    this.#model.end(isOrderly);
    // No process starts within the millisecond of its end; the ids a member hands out are made of the time of its start.
    await this.#harness.clock.advance(1);
    const beforeMs = this.#harness.clock.monotonicMs();
    await this.#harness.start();
    await this.#led(beforeMs);
  }

  async #led(beforeMs: number): Promise<void> {
    const nowMs = this.#harness.clock.monotonicMs();
    expect(nowMs).toBe(beforeMs); // so that the model knows when deadlines were set
    const { raftTerm } = await this.#harness.status();
    expect(Number(raftTerm)).toBeGreaterThan(this.#term);
    this.#term = Number(raftTerm);
    this.#model.lead(this.#term, nowMs);
    this.#streams = Array.from({ length: streamCount }, () => this.#harness.stream(pathOf("Watch/Watch")));
    for (let stream = 0; stream < streamCount; stream++) this.#model.watches.open(stream);
  }

  #compareWatches(): void {
    for (let stream = 0; stream < streamCount; stream++) {
      const sent = (this.#streams[stream] as FakeStream)
        .take()
        .map((message) => decodeResponse("Watch/Watch", message));
      expect(byWatcher(sent)).toEqual(byWatcher(this.#model.watches.take(stream)));
      expect((this.#streams[stream] as FakeStream).status).toBeUndefined();
    }
  }

  #revision({ from, by }: RelativeRevision): bigint {
    const { revision, compacted } = this.#model.store;
    const base = from === "now" ? revision : from === "compacted" ? compacted : 0;
    return BigInt(base) + BigInt(by);
  }
}

function requestOf(write: Write): { method: string; request: PlainMessage } {
  switch (write.kind) {
    case "put":
      return { method: "KV/Put", request: write.request };
    case "delete":
      return { method: "KV/DeleteRange", request: write.request };
    case "txn":
      return { method: "KV/Txn", request: write.request };
    case "revoke":
      return { method: "Lease/LeaseRevoke", request: { ID: write.ID } };
  }
}

/** Between the watchers of a stream there is no order; each one's own messages have one. */
function byWatcher(messages: readonly PlainMessage[]): Partial<Record<string, PlainMessage[]>> {
  return Object.groupBy(messages, ({ watchId }) => String(watchId));
}
