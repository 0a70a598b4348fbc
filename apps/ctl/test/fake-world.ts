import type { CallFailure, Clock, Endpoint, StreamHandlers, Transport, UnaryOutcome } from "@quorate/client";
import type { TransportOptions } from "../src/connection/transport-options.js";
import { rootCommand } from "../src/commands.js";
import { runCommandLine } from "../src/frame/run.js";
import type { ChildEnd, OutputFile, World } from "../src/world.js";

/** What a member answers: a message, or how the call fails. */
export type FakeAnswer = Uint8Array | CallFailure;

/** A stream as the scripted member sees it. */
export type FakeStream = {
  readonly path: string;
  /** Messages that were sent so far. */
  readonly sent: readonly Uint8Array[];
  answer(message: Uint8Array): void;
  end(failure?: CallFailure): void;
};

export type FakeSettings = {
  readonly programName?: string;
  readonly env?: Record<string, string>;
  readonly stdin?: string | Uint8Array | AsyncIterable<string>;
  readonly files?: Record<string, Uint8Array>;
  /** By path: "/etcdserverpb.KV/Put". */
  readonly answers?: Record<string, (request: Uint8Array, endpoint: Endpoint) => FakeAnswer | Promise<FakeAnswer>>;
  /** Called when a stream is opened, and with each message that is sent on it. */
  readonly onStream?: (stream: FakeStream, message: Uint8Array | undefined) => void;
  readonly clock?: Clock;
  readonly runProgram?: (argv: readonly string[], env: Readonly<Record<string, string>>) => ChildEnd;
  readonly passwords?: string[];
  /** What /metrics shows. */
  readonly metrics?: string;
  /** By name of the SRV record. */
  readonly services?: Record<string, readonly { host: string; port: number }[]>;
};

export type FakeRun = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stdoutBytes: Uint8Array;
  /** Without lines of the log. */
  readonly stderr: string;
  readonly log: readonly Record<string, unknown>[];
  /** What was sent, in order. */
  readonly requests: readonly { readonly path: string; readonly message: Uint8Array; readonly endpoint: string }[];
  /** Settings of each connection. */
  /** Files that were written, by path. */
  readonly written: ReadonlyMap<string, Uint8Array>;
  readonly connections: readonly { readonly endpoint: Endpoint; readonly options: TransportOptions }[];
};

/** Runs a command line in this process, against a scripted member. */
export async function runFake(argv: readonly string[], settings: FakeSettings = {}): Promise<FakeRun> {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const requests: { path: string; message: Uint8Array; endpoint: string }[] = [];
  const connections: { endpoint: Endpoint; options: TransportOptions }[] = [];
  const written = new Map<string, Uint8Array>();
  const into = (list: Uint8Array[]) => ({
    write: (chunk: string | Uint8Array) => void list.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk),
  });
  const world: World = {
    programName: settings.programName ?? "etcdctl",
    env: settings.env ?? {},
    stdin: fakeInput(settings.stdin ?? ""),
    stdout: into(out),
    stderr: into(err),
    clock: settings.clock ?? realClock,
    now: () => new Date(0),
    readFile: (path) => settings.files?.[path] ?? missingFile(path),
    createFile: (path) => fakeFile(path, written),
    renameFile(from, to) {
      if (to === "") missingFile(to);
      written.set(to, written.get(from) ?? missingFile(from));
      written.delete(from);
    },
    removeFile: (path) => void written.delete(path),
    resolveService: async (name) => settings.services?.[name] ?? missingFile(name),
    openTransport(endpoint, options) {
      connections.push({ endpoint, options });
      return fakeTransport(endpoint, settings, requests);
    },
    fetchMetrics: async () => settings.metrics,
    runProgram: async (program, options) =>
      settings.runProgram?.(program, options.env) ?? { kind: "failed", message: "no programs here" },
    onInterrupt: () => () => {},
    ask: async () => settings.passwords?.shift() ?? "",
  };
  const exitCode = await runCommandLine(rootCommand(world.programName), argv, world);
  const lines = Buffer.concat(err)
    .toString()
    .split(/(?<=\n)/);
  return {
    exitCode,
    stdout: Buffer.concat(out).toString(),
    stdoutBytes: Buffer.concat(out),
    stderr: lines.filter((line) => !line.startsWith('{"level"')).join(""),
    log: lines.filter((line) => line.startsWith('{"level"')).map((line) => JSON.parse(line)),
    requests,
    connections,
    written,
  };
}

const realClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

function fakeInput(input: string | Uint8Array | AsyncIterable<string>): World["stdin"] {
  return {
    isTerminal: false,
    async all() {
      if (typeof input === "string") return Buffer.from(input);
      if (input instanceof Uint8Array) return input;
      const parts: string[] = [];
      for await (const part of input) parts.push(part);
      return Buffer.from(parts.join(""));
    },
    async *lines() {
      if (typeof input !== "string" && !(input instanceof Uint8Array)) return yield* input;
      for (const line of input.toString().split(/(?<=\n)/)) if (line !== "") yield line;
    },
  };
}

function fakeFile(path: string, written: Map<string, Uint8Array>): OutputFile {
  if (path.startsWith("/no/")) missingFile(path);
  written.set(path, new Uint8Array());
  return {
    write: (bytes) => void written.set(path, Buffer.concat([written.get(path) ?? new Uint8Array(), bytes])),
    sync() {},
    close() {},
  };
}

function missingFile(path: string): never {
  throw Object.assign(new Error(`no file ${path}`), { code: "ENOENT" });
}

function fakeTransport(
  endpoint: Endpoint,
  settings: FakeSettings,
  requests: { path: string; message: Uint8Array; endpoint: string }[],
): Transport {
  const open = (path: string, handlers: StreamHandlers) => {
    const sent: Uint8Array[] = [];
    let isOver = false;
    const stream: FakeStream = {
      path,
      sent,
      answer: (message) => queueMicrotask(() => !isOver && handlers.onMessage(message)),
      end: (failure) =>
        queueMicrotask(() => {
          if (isOver) return;
          isOver = true;
          handlers.onEnd(failure);
        }),
    };
    settings.onStream?.(stream, undefined);
    return {
      pause() {},
      resume() {},
      cancel: () => stream.end({ status: 1, message: "cancelled", wasSent: true }),
      endSending() {},
      send(message: Uint8Array) {
        requests.push({ path, message, endpoint: endpoint.url });
        sent.push(message);
        settings.onStream?.(stream, message);
      },
    };
  };
  return {
    async unary(path, message): Promise<UnaryOutcome> {
      requests.push({ path, message, endpoint: endpoint.url });
      const answer = await settings.answers?.[path]?.(message, endpoint);
      if (answer instanceof Uint8Array) return { kind: "answer", message: answer };
      return { kind: "failed", failure: answer ?? { status: 12, message: `nothing answers ${path}`, wasSent: true } };
    },
    serverStream(path, message, _settings, handlers) {
      const stream = open(path, handlers);
      stream.send(message);
      return stream;
    },
    bidi: (path, _settings, handlers) => open(path, handlers),
    close() {},
  };
}
