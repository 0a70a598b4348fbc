import { Metadata } from "@grpc/grpc-js";
import { Mismatch } from "../mismatch.js";
import { MemberProcess } from "../member/member-process.js";
import type { ApiCase, ApiStep, DrainStep, ExpectStep, Status } from "./api-case.js";
import { GrpcSession, type GrpcStream } from "./grpc-session.js";
import { isObject, type Json, type JsonObject, show } from "../json.js";
import { fillIn, fillInText, matchAnswer, type Remembered } from "./match.js";
import { decodeMessage, encodeMessage } from "./message-json.js";
import type { Schema } from "./schema.js";
import { summarizeSnapshot } from "./snapshot-check.js";

const unaryTimeoutMs = 20_000;
const expectWithinMs = 5_000;
const drainWithinMs = 10_000;
const readyWithinMs = 20_000;

/**
 * Replays one case against a fresh member.
 * @throws Mismatch with the step's number, what was wanted and what came; Error when the member cannot be started.
 */
export async function replayApiCase(
  one: ApiCase,
  schema: Schema,
  options: { binary?: string | undefined } = {},
): Promise<void> {
  const member = await MemberProcess.launch({ flags: one.flags, binary: options.binary });
  const replay = new Replay(member, schema);
  try {
    await replay.connect();
    for (const [index, step] of one.steps.entries()) {
      try {
        await replay.run(step);
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error;
        throw new Mismatch(`step ${index + 1}: ${error.message}\n  ${show(step as unknown as Json, 600)}`, {
          cause: error,
        });
      }
    }
  } finally {
    replay.close();
    await member.dispose();
  }
}

type OpenStream = { readonly stream: GrpcStream; readonly rpc: string };

class Replay {
  readonly #member: MemberProcess;
  readonly #schema: Schema;
  readonly #remembered: Remembered;
  readonly #streams = new Map<string, OpenStream>();
  #session: GrpcSession | undefined;

  constructor(member: MemberProcess, schema: Schema) {
    this.#member = member;
    this.#schema = schema;
    this.#remembered = new Map<string, Json>([
      ["client_url", member.clientUrl],
      ["peer_url", member.peerUrl],
    ]);
  }

  /** A new connection, once a linearizable Range is answered. */
  async connect(): Promise<void> {
    this.#session = new GrpcSession(`127.0.0.1:${this.#member.clientPort}`);
    const request = encodeMessage(this.#schema, "etcdserverpb.RangeRequest", { key: "ready" });
    const until = performance.now() + readyWithinMs;
    for (;;) {
      const answer = await this.#session.unary("etcdserverpb.KV/Range", request, {
        metadata: new Metadata(),
        timeoutMs: 5_000,
      });
      // Without rights, and with a damaged store, the question is answered all the same.
      if (answer.kind === "response" || !["Unavailable", "DeadlineExceeded"].includes(answer.error.code)) return;
      if (!this.#member.isRunning || performance.now() > until) {
        throw new Error(`the member never answered: ${answer.error.message}\n${this.#member.log.slice(-4000)}`);
      }
      await pause(50);
    }
  }

  close(): void {
    for (const { stream } of this.#streams.values()) stream.cancel();
    this.#streams.clear();
    this.#session?.close();
    this.#session = undefined;
  }

  async run(step: ApiStep): Promise<void> {
    if ("rpc" in step) {
      if (step.open === undefined) return this.#unary(step);
      return this.#open(step.open, step.rpc, this.#metadata(step.metadata), step.request);
    }
    if ("send" in step) return this.#send(step.send, step.message);
    if ("expect" in step) return this.#expect(step);
    if ("silent" in step) return this.#silent(step.silent, step.for_ms);
    if ("drain" in step) return this.#drain(step);
    if ("half_close" in step) return this.#stream(step.half_close).stream.halfClose();
    if ("cancel" in step) return this.#stream(step.cancel).stream.cancel();
    if ("sleep_ms" in step) return pause(step.sleep_ms);
    if ("restart" in step) return this.#restart();
    throw new Error(`no such step: ${show(step as Json)}`);
  }

  async #unary(step: Extract<ApiStep, { request: Json; open?: undefined }>): Promise<void> {
    if (this.#session === undefined) throw new Error("not connected");
    const method = this.#schema.methods.get(step.rpc);
    const request = fillIn(step.request, this.#remembered);
    const bytes = method === undefined ? new Uint8Array() : encodeMessage(this.#schema, method.request, request);
    const metadata = this.#metadata(step.metadata);
    const answer = await this.#session.unary(step.rpc, bytes, {
      metadata,
      timeoutMs: step.timeout_ms ?? unaryTimeoutMs,
    });
    if (answer.kind === "error") {
      if (step.error === undefined)
        throw new Mismatch(`${step.rpc}: wanted an answer, is ${show(answer.error)}${this.#lastWords()}`);
      return matchStatus(step.error, answer.error);
    }
    const response = decodeMessage(this.#schema, method?.response ?? "", answer.bytes);
    if (step.error !== undefined)
      throw new Mismatch(`${step.rpc}: wanted ${show(step.error as Json)}, is ${show(response)}`);
    matchAnswer(step.response ?? {}, response, this.#remembered, step.unordered);
  }

  #open(name: string, rpc: string, metadata: Metadata, request: Json | undefined): void {
    if (this.#session === undefined) throw new Error("not connected");
    this.#streams.set(name, { stream: this.#session.open(rpc, metadata), rpc });
    if (request === undefined) return;
    this.#send(name, request);
    this.#stream(name).stream.halfClose();
  }

  #send(name: string, message: Json): void {
    const { stream, rpc } = this.#stream(name);
    const type = this.#schema.methods.get(rpc)?.request ?? "";
    stream.send(encodeMessage(this.#schema, type, fillIn(message, this.#remembered)));
  }

  async #expect(step: ExpectStep): Promise<void> {
    const until = performance.now() + (step.within_ms ?? expectWithinMs);
    const wanted = step.messages.length;
    const came: JsonObject[] = [];
    const isEnough = () =>
      step.merged === true ? eventsOf(came[0]) >= eventsOf(step.messages[0]) && came.length > 0 : came.length >= wanted;
    while (!isEnough()) {
      const news = await this.#next(step.expect, until - performance.now());
      if (news.kind !== "message") {
        const end = news.kind === "end" ? `the end: ${show(news.status)}` : "nothing more in time";
        throw new Mismatch(
          `${step.expect}: wanted ${show([...step.messages] as Json)}, came ${show(came)} and ${end}${this.#lastWords()}`,
        );
      }
      if (step.merged === true && came[0] !== undefined) came[0] = join(came[0], news.message);
      else came.push(news.message);
    }
    const [left, right] =
      step.order === "per_watch" ? [byWatch(step.messages), byWatch(came)] : [[...step.messages], came];
    matchAnswer(left, right, this.#remembered);
  }

  async #silent(name: string, forMs: number): Promise<void> {
    const news = await this.#next(name, forMs);
    if (news.kind === "message") throw new Mismatch(`${name}: wanted silence, came ${show(news.message)}`);
    if (news.kind === "end") throw new Mismatch(`${name}: wanted silence, ended with ${show(news.status)}`);
  }

  async #drain(step: DrainStep): Promise<void> {
    const until = performance.now() + (step.within_ms ?? drainWithinMs);
    const { stream, rpc } = this.#stream(step.drain);
    const type = this.#schema.methods.get(rpc)?.response ?? "";
    const came: Uint8Array[] = [];
    let status: Status | undefined;
    while (status === undefined) {
      const news = await stream.next(until - performance.now());
      if (news.kind === "nothing")
        throw new Mismatch(`${step.drain}: ${came.length} messages, but no end in time${this.#lastWords()}`);
      if (news.kind === "message") came.push(news.bytes);
      else status = news.status;
    }
    if (step.check === "snapshot") {
      matchAnswer(step.result ?? {}, summarizeSnapshot(this.#schema, type, came), this.#remembered);
    } else {
      const decoded = came.map((bytes) => decodeMessage(this.#schema, type, bytes));
      matchAnswer([...(step.messages ?? [])], decoded, this.#remembered);
    }
    matchStatus(step.status, status);
  }

  async #restart(): Promise<void> {
    this.close();
    await this.#member.stop("SIGTERM");
    this.#member.start();
    await this.#member.waitForPort(this.#member.clientPort);
    await this.connect();
  }

  async #next(
    name: string,
    withinMs: number,
  ): Promise<{ kind: "message"; message: JsonObject } | { kind: "end"; status: Status } | { kind: "nothing" }> {
    const { stream, rpc } = this.#stream(name);
    const news = await stream.next(withinMs);
    if (news.kind !== "message") return news;
    return {
      kind: "message",
      message: decodeMessage(this.#schema, this.#schema.methods.get(rpc)?.response ?? "", news.bytes),
    };
  }

  #stream(name: string): OpenStream {
    const open = this.#streams.get(name);
    if (open === undefined) throw new Error(`no stream ${name} is open`);
    return open;
  }

  #metadata(values: Readonly<Record<string, string>> = {}): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(values)) metadata.add(name, fillInText(value, this.#remembered));
    return metadata;
  }

  /** A member that died is the reason for everything after it. */
  #lastWords(): string {
    return this.#member.isRunning ? "" : `\n  the member is gone:\n${this.#member.log.slice(-2000)}`;
  }
}

function matchStatus(expected: Status, actual: Status): void {
  const isEqual = expected.code === actual.code && (expected.message === "$any" || expected.message === actual.message);
  if (!isEqual) throw new Mismatch(`wanted ${show(expected as Json)}, is ${show(actual as Json)}`);
}

function eventsOf(message: Json | undefined): number {
  return isObject(message) && Array.isArray(message.events) ? message.events.length : 0;
}

/** Joins the events of two messages that agree in everything else. @throws Mismatch when they do not. */
function join(first: JsonObject, second: JsonObject): JsonObject {
  const rest = (message: JsonObject) => show({ ...message, events: null }, Number.POSITIVE_INFINITY);
  if (rest(first) !== rest(second)) throw new Mismatch(`cannot be one message: ${show(first)} and ${show(second)}`);
  const events = (message: JsonObject) => (Array.isArray(message.events) ? message.events : []);
  return { ...first, events: [...events(first), ...events(second)] };
}

function byWatch(messages: readonly Json[]): Json[] {
  const watchId = (message: Json) => (isObject(message) ? Number(message.watch_id ?? 0) : 0);
  return [...messages].sort((a, b) => watchId(a) - watchId(b));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
