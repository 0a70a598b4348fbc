import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, type Json, parseJson, show } from "../json.js";
import { findFreePort } from "../member/free-port.js";
import { MemberProcess } from "../member/member-process.js";
import { Mismatch } from "../mismatch.js";
import type { Headers } from "./answer-reader.js";
import { parseExposition } from "./exposition.js";
import type { HttpCase, HttpStep, ReadStep, RequestStep, Wanted } from "./http-case.js";
import { Http1Exchange, type TlsOptions } from "./http1-exchange.js";
import { chunkOf, sendHttp1 } from "./http1-request.js";
import { requestHttp2 } from "./http2-request.js";
import { matchBody, matchValue, substitute, type Variables } from "./pattern.js";
import { readMessages, textFrame } from "./websocket-frames.js";

const answerWithinMs = 10_000;
const readyWithinMs = 20_000;

export type HttpReplayOptions = {
  /** Directory with the certificates (absolute). */
  readonly fixtures: string;
  readonly binary?: string | undefined;
};

/** Replays one case against a fresh member. @throws Mismatch with the step's number, what was wanted and what came */
export async function replayHttpCase(one: HttpCase, options: HttpReplayOptions): Promise<void> {
  const ports = {
    port: await findFreePort(),
    port2: await findFreePort(),
    port3: await findFreePort(),
    peer: await findFreePort(),
  };
  const variables: Variables = new Map(Object.entries(ports).map(([name, port]) => [name, String(port)]));
  variables.set("host", `127.0.0.1:${ports.port}`);
  variables.set("fixtures", options.fixtures);
  const member = await MemberProcess.prepare({
    name: "m1",
    scheme: one.tls === true ? "https" : "http",
    clientPort: ports.port,
    peerPort: ports.peer,
    binary: options.binary,
    flags: one.flags.map((flag) => substitute(flag, variables)),
  });
  variables.set("dir", member.directory);
  const replay = new HttpReplay(variables, options.fixtures);
  try {
    member.start();
    await waitUntilReady(one, member, Number(variables.get(one.ready_port ?? "port")));
    for (const [index, step] of one.steps.entries()) {
      try {
        await replay.run(step);
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error;
        const words = member.isRunning ? "" : `\n  the member is gone:\n${member.log.slice(-2000)}`;
        throw new Mismatch(`step ${index + 1}: ${error.message}\n  ${show(step as unknown as Json, 600)}${words}`, {
          cause: error,
        });
      }
    }
  } finally {
    replay.close();
    await member.dispose();
  }
}

async function waitUntilReady(one: HttpCase, member: MemberProcess, port: number): Promise<void> {
  await member.waitForPort(port);
  if (one.ready === "tcp") return;
  const until = performance.now() + readyWithinMs;
  for (;;) {
    const exchange = await Http1Exchange.open(port, { tls: one.tls === true ? {} : undefined });
    exchange.send(`GET /version HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    await exchange.until(() => exchange.answer.isComplete, 2_000);
    const { status, text } = exchange.answer;
    exchange.close();
    const said = status === 200 ? parseJson(text) : undefined;
    const isDecided = isObject(said) && /^\d/.test(String(said.etcdcluster));
    if (isDecided && (said.storage === undefined || said.storage === said.etcdcluster)) return;
    if (!member.isRunning || performance.now() > until)
      throw new Error(`not ready: ${text}\n${member.log.slice(-4000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly trailers: Headers;
  readonly text: string;
  readonly interim: readonly number[];
};
type OpenStream = { readonly exchange: Http1Exchange; readonly isWebSocket: boolean; linesRead: number };

class HttpReplay {
  readonly #variables: Variables;
  readonly #fixtures: string;
  readonly #streams = new Map<string, OpenStream>();

  constructor(variables: Variables, fixtures: string) {
    this.#variables = variables;
    this.#fixtures = fixtures;
  }

  close(): void {
    for (const { exchange } of this.#streams.values()) exchange.close();
    this.#streams.clear();
  }

  async run(step: HttpStep): Promise<void> {
    if ("read" in step) return this.#read(step);
    if ("silent" in step) return this.#silent(step.silent, step.ms);
    if ("send" in step) return this.#send(step.send, this.#text(step.body, undefined) ?? "");
    if ("finish" in step) return this.#stream(step.finish).exchange.send("0\r\n\r\n");
    if ("close" in step) return this.#stream(step.close).exchange.close();
    return this.#request(step);
  }

  async #request(step: RequestStep): Promise<void> {
    if (step.wait !== undefined) await new Promise((resolve) => setTimeout(resolve, step.wait));
    if (step.http === "2") return this.#check(step, { ...(await this.#http2(step)), interim: [] });
    const exchange = step.raw === undefined ? await this.#http1(step) : await this.#raw(step);
    const { answer } = exchange;
    if (step.open !== undefined) {
      this.#streams.set(step.open, { exchange, isWebSocket: step.http === "ws", linesRead: 0 });
      if (step.status === undefined) return;
      await exchange.until(() => answer.hasHead, answerWithinMs);
      return this.#check(step, answer);
    }
    await exchange.until(() => answer.isComplete, answerWithinMs);
    exchange.close();
    if (!answer.isComplete && !(step.status === 0 && answer.hasHead)) {
      throw new Mismatch(
        `no ${answer.hasHead ? "end of the answer" : "answer"} within ${answerWithinMs} ms: ${show(answer.text, 300)}`,
      );
    }
    this.#check(step, answer);
  }

  async #http1(step: RequestStep): Promise<Http1Exchange> {
    return sendHttp1({
      method: step.method ?? "GET",
      path: this.#text(step.path ?? "/", step.repeat) ?? "/",
      port: this.#port(step),
      tls: this.#tls(step),
      headers: this.#headers(step),
      body: this.#text(step.body, step.repeat),
      isChunked: step.chunked === true,
      isUnfinished: step.unfinished === true,
      isWebSocket: step.http === "ws",
    });
  }

  async #raw(step: RequestStep): Promise<Http1Exchange> {
    const exchange = await Http1Exchange.open(this.#port(step), { tls: this.#tls(step), isHead: false });
    exchange.send(this.#text(step.raw ?? "", step.repeat) ?? "");
    return exchange;
  }

  #http2(step: RequestStep) {
    return requestHttp2(
      {
        port: this.#port(step),
        tls: this.#tls(step),
        method: step.method ?? "GET",
        path: this.#text(step.path ?? "/", step.repeat) ?? "/",
        headers: this.#headers(step),
        body: this.#text(step.body, step.repeat),
      },
      answerWithinMs,
    );
  }

  async #read(step: ReadStep): Promise<void> {
    const stream = this.#stream(step.read);
    const { answer } = stream.exchange;
    const wanted = stream.linesRead + step.n;
    await stream.exchange.until(() => linesOf(stream).length >= wanted, answerWithinMs);
    if (step.status !== undefined)
      this.#check({ status: step.status, response_headers: step.response_headers ?? {} }, answer);
    const lines = linesOf(stream).slice(stream.linesRead);
    if (lines.length < step.n) throw new Mismatch(`${step.read}: wanted ${step.n} lines, came ${show(lines)}`);
    if (step.lines !== undefined)
      matchValue([...step.lines], lines.slice(0, step.n).map(parseJson), this.#variables, step.read);
    stream.linesRead = wanted;
    if (step.quiet !== undefined) {
      const isMore = await stream.exchange.until(() => linesOf(stream).length > wanted, step.quiet);
      if (isMore)
        throw new Mismatch(`${step.read}: nothing more was wanted, came ${show(linesOf(stream).slice(wanted))}`);
    }
    if (step.end === true && !(await stream.exchange.until(() => answer.isComplete, answerWithinMs))) {
      throw new Mismatch(`${step.read}: does not end`);
    }
  }

  /** Nothing at all may come: no head, no message, no end. */
  async #silent(name: string, ms: number): Promise<void> {
    const stream = this.#stream(name);
    const { answer } = stream.exchange;
    const before = linesOf(stream).length;
    const hadHead = answer.hasHead;
    await stream.exchange.until(() => linesOf(stream).length > before || answer.hasHead !== hadHead, ms);
    if (linesOf(stream).length > before)
      throw new Mismatch(`${name}: wanted silence, came ${show(linesOf(stream).slice(before))}`);
    if (answer.hasHead !== hadHead) throw new Mismatch(`${name}: wanted silence, came status ${answer.status}`);
    if (answer.isComplete) throw new Mismatch(`${name}: wanted silence, the stream ended`);
  }

  #send(name: string, text: string): void {
    const { exchange, isWebSocket } = this.#stream(name);
    exchange.send(isWebSocket ? textFrame(text) : chunkOf(Buffer.from(text)));
  }

  #check(wanted: Wanted, answer: Answer): void {
    if (wanted.status !== undefined && answer.status !== wanted.status) {
      throw new Mismatch(`status: wanted ${wanted.status}, is ${answer.status} ${show(answer.text, 300)}`);
    }
    for (const [name, value] of Object.entries(wanted.response_headers ?? {})) {
      const isTrailer = /^grpc-(status|message)$/i.test(name);
      const actual =
        answer.headers.get(name.toLowerCase()) ?? (isTrailer ? answer.trailers.get(name.toLowerCase()) : undefined);
      if (value !== null) matchValue(value, actual, this.#variables, `header ${name}`);
      else if (actual !== undefined) throw new Mismatch(`header ${name}: not wanted, but is ${show(actual)}`);
    }
    if (wanted.interim !== undefined) matchValue([...wanted.interim], [...answer.interim], this.#variables, "interim");
    if (wanted.response !== undefined) matchBody(wanted.response, answer.text, this.#variables);
    if (wanted.response_lines !== undefined) {
      const lines = answer.text.split("\n").filter((line) => line !== "");
      matchValue([...wanted.response_lines], lines.map(parseJson), this.#variables, "lines");
    }
    if (wanted.metrics !== undefined)
      matchValue(wanted.metrics, parseExposition(answer.text).families, this.#variables, "metrics");
    if (wanted.values !== undefined) this.#checkSamples(wanted.values, answer.text);
  }

  #checkSamples(values: Record<string, Json>, text: string): void {
    const { samples } = parseExposition(text);
    for (const [series, value] of Object.entries(values)) {
      const actual = samples.get(series);
      if (value !== null) matchValue(value, actual, this.#variables, series);
      else if (actual !== undefined) throw new Mismatch(`${series}: not wanted, but is ${actual}`);
    }
  }

  #stream(name: string): OpenStream {
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new Error(`no stream ${name} is open`);
    return stream;
  }

  #port(step: RequestStep): number {
    return Number(this.#variables.get(step.port ?? "port"));
  }

  #tls(step: RequestStep): TlsOptions | undefined {
    if (step.tls === undefined) return undefined;
    const { client } = step.tls;
    if (client === undefined) return {};
    return {
      certificate: readFileSync(join(this.#fixtures, `${client}.crt`)),
      key: readFileSync(join(this.#fixtures, `${client}.key`)),
    };
  }

  #headers(step: RequestStep): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(step.headers ?? {})) headers[name] = substitute(value, this.#variables);
    return headers;
  }

  /** What is sent: a string as it is, anything else as JSON; names replaced, `%REPEAT%` filled in. */
  #text(body: Json | undefined, repeat: readonly [string, number] | undefined): string | undefined {
    if (body === undefined) return undefined;
    const text = substitute(typeof body === "string" ? body : show(body, Number.POSITIVE_INFINITY), this.#variables);
    return repeat === undefined ? text : text.replaceAll("%REPEAT%", repeat[0].repeat(repeat[1]));
  }
}

function linesOf({ exchange, isWebSocket }: OpenStream): string[] {
  if (isWebSocket) return readMessages(exchange.answer.upgraded);
  return exchange.answer.text
    .split("\n")
    .slice(0, -1)
    .filter((line) => line !== "");
}
