import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ProcessWorld, type RunningMember, runDaemon, type StartMember } from "../../src/process/daemon.js";
import { listenFailed } from "../../src/process/listen-failure.js";
import type { StopSignal } from "../../src/process/signals.js";
import { scratchDirectory } from "./scratch.js";

type Line = { level: string; msg: string; error?: string };

function build(flags: readonly string[] = []) {
  const directory = scratchDirectory();
  const log = join(directory, "log");
  const said: string[] = [];
  const handlers = new Map<StopSignal, () => void>();
  let uncaught = (_: Error): void => {};
  const world: ProcessWorld = {
    argv: [`--data-dir=${join(directory, "data")}`, `--log-outputs=${log}`, "--name=m", ...flags],
    environment: {},
    readFile: (path) => readFileSync(path),
    runtime: { version: "v24.9.0", platform: "linux", architecture: "x64" },
    clock: { monotonicMs: () => 0, wallMs: () => 0, after: () => ({ cancel: () => {} }) },
    askPeer: () => Promise.reject(new Error("nobody there")),
    resolve: (host) => Promise.resolve(host),
    signals: {
      pid: 100,
      on: (signal, run) => handlers.set(signal, run),
      off: (signal) => handlers.delete(signal),
      raise: (signal) => said.push(`raise ${signal}`),
      exit: (code) => said.push(`exit ${code}`),
    },
    writeOut: (text) => said.push(`out ${text}`),
    writeError: (text) => said.push(`err ${text}`),
    onUncaught: (run) => {
      uncaught = run;
    },
    exit: (code) => said.push(`exit ${code}`),
  };
  const lines = (): Line[] =>
    readFileSync(log, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
  return {
    directory,
    world,
    said,
    lines,
    send: (signal: StopSignal) => handlers.get(signal)?.(),
    crash: (error: Error) => uncaught(error),
  };
}

const forever = new Promise<undefined>(() => {});
const running = (
  stop: () => Promise<void> = () => Promise.resolve(),
  ended: RunningMember["ended"] = forever,
): RunningMember => ({
  stop,
  ended,
});
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("runDaemon", () => {
  it("hands a prepared ground to the member, and stops it at a signal", async () => {
    const { world, said, lines, send } = build();
    let stops = 0;
    const start: StartMember = async (context) => {
      const prepared = await context.prepare();
      expect(prepared).toMatchObject({
        kind: "prepared",
        isInitialised: false,
        identity: { members: [{ name: "m" }] },
      });
      if (prepared.kind === "failure") return prepared;
      context.life.starting(prepared.directories, prepared.isInitialised);
      for (const plan of context.config.clientListeners) context.life.servingClients(plan);
      return running(async () => {
        stops += 1;
        prepared.lock.release();
      });
    };
    await runDaemon(world, start);
    send("SIGTERM");
    await settle();
    expect([stops, said]).toEqual([1, ["raise SIGTERM"]]);
    expect(lines().map(({ msg }) => msg)).toEqual([
      "Running http and grpc server on single port. This is not recommended for production.",
      "Running: ",
      "Initialize and start etcd server",
      "starting an etcd server",
      "ready to serve client requests",
      "serving client traffic insecurely; this is strongly discouraged!",
      "notifying init daemon",
      "successfully notified init daemon",
      "received signal; shutting down",
      "closing etcd server",
      "closed etcd server",
    ]);
  });

  it("tells the init system when it serves and when it begins to stop, and serves though nobody listens", async () => {
    const { world, said, lines, send } = build();
    const notices: string[] = [];
    const notifyInit = (notice: string): Promise<void> => {
      notices.push(notice);
      return Promise.reject(new Error("systemd-notify: nobody there"));
    };
    await runDaemon({ ...world, notifyInit }, () => Promise.resolve(running()));
    expect(notices).toEqual(["READY=1"]);
    expect(lines().at(-1)).toMatchObject({
      level: "error",
      msg: "failed to notify systemd for readiness",
      error: "systemd-notify: nobody there",
    });
    send("SIGTERM");
    await settle();
    await settle();
    expect(notices).toEqual(["READY=1", "STOPPING=1"]);
    expect(said).toEqual(["raise SIGTERM"]);
  });

  it("says that it told the init system although there is none, as operators' scripts expect", async () => {
    const { world, lines } = build();
    await runDaemon(world, () => Promise.resolve(running()));
    expect(lines().map((line) => line.msg)).toEqual(
      expect.arrayContaining(["notifying init daemon", "successfully notified init daemon"]),
    );
  });

  it("keeps a second member out of its directory, and lets it in afterwards", async () => {
    const { world, lines } = build();
    const prepared: string[] = [];
    let release = (): void => {};
    await runDaemon(world, async (context) => {
      const ground = await context.prepare();
      if (ground.kind === "failure") return ground;
      release = () => ground.lock.release();
      prepared.push("first");
      return running();
    });
    let retry = (): void => {};
    const clock = {
      ...world.clock,
      after: (_: number, run: () => void) => {
        retry = run;
        return { cancel: () => {} };
      },
    };
    const second = runDaemon({ ...world, clock }, async (context) => {
      const ground = await context.prepare();
      if (ground.kind === "prepared") ground.lock.release();
      prepared.push("second");
      return running();
    });
    await settle();
    retry();
    expect(prepared).toEqual(["first"]);
    release();
    retry();
    await second;
    expect(prepared).toEqual(["first", "second"]);
    expect(lines().map(({ msg }) => msg)).toContain("server has already been initialized");
  });

  it("exits with the member that was removed, and with the one that failed", async () => {
    const removed = build();
    await runDaemon(removed.world, async () => running(undefined, Promise.resolve(undefined)));
    await settle();
    expect(removed.said).toEqual(["exit 0"]);
    const failed = build();
    await runDaemon(failed.world, async () => running(undefined, Promise.resolve(new Error("disk gone"))));
    await settle();
    expect([failed.said, failed.lines().at(-1)?.error]).toEqual([["exit 1"], "disk gone"]);
  });

  it("does not take the end of a stopped member for one of its own", async () => {
    const { world, said, send } = build();
    let end = (): void => {};
    const ended = new Promise<undefined>((resolve) => {
      end = () => resolve(undefined);
    });
    await runDaemon(world, async () => running(async () => end(), ended));
    send("SIGINT");
    await settle();
    expect(said).toEqual(["raise SIGINT"]);
  });

  it("tells of a start that throws, and of a port in use", async () => {
    const thrown = build();
    await runDaemon(thrown.world, () => Promise.reject(new Error("wal/corrupt file=x")));
    expect(thrown.said).toEqual(["exit 1"]);
    expect(
      thrown
        .lines()
        .slice(-2)
        .map(({ msg, error }) => `${msg}: ${error}`),
    ).toEqual(["bootstrap failed: wal/corrupt file=x", "discovery failed: wal/corrupt file=x"]);
    const inUse = Object.assign(new Error("listen"), { code: "EADDRINUSE" });
    const busy = build();
    await runDaemon(busy.world, async () => listenFailed("peer", { host: "127.0.0.1", port: 2380 }, inUse));
    expect(
      busy
        .lines()
        .slice(-2)
        .map(({ level, msg, error }) => `${level} ${msg}: ${error}`),
    ).toEqual([
      "error creating peer listener failed: listen tcp 127.0.0.1:2380: bind: address already in use",
      "fatal discovery failed: listen tcp 127.0.0.1:2380: bind: address already in use",
    ]);
  });

  it("refuses foreign directories before anything else", async () => {
    const { directory, world, said, lines } = build();
    mkdirSync(join(directory, "data", "proxy"), { recursive: true });
    await runDaemon(world, () => Promise.reject(new Error("must not start")));
    expect(said).toEqual(["err panic: v2 http proxy has already been deprecated in 3.6\n", "exit 2"]);
    expect(lines().at(-1)).toMatchObject({ level: "panic", "dir-type": "proxy" });
  });

  it("says nothing but the version when asked for it", async () => {
    const { world, said } = build(["--version"]);
    await runDaemon(world, () => Promise.reject(new Error("must not start")));
    expect(said).toEqual([expect.stringContaining("out etcd Version: 3.7.1\n"), "exit 0"]);
  });

  it("logs settings that it refuses where they say", async () => {
    const { world, said, lines } = build(["--election-timeout=1"]);
    await runDaemon(world, () => Promise.reject(new Error("must not start")));
    expect([said, lines().at(-1)?.msg]).toEqual([["exit 1"], "failed to verify flags"]);
  });

  it("ends with 2 on a broken invariant, after a line that says which", async () => {
    const { world, said, lines, crash } = build();
    await runDaemon(world, async () => running());
    crash(new Error("broken invariant: x"));
    expect(said).toEqual(["err panic: broken invariant: x\n", "exit 2"]);
    expect(lines().at(-1)).toMatchObject({ level: "panic", error: "broken invariant: x" });
  });

  it("takes an unwritable directory for what it is", async () => {
    const { directory, world, lines, said } = build();
    writeFileSync(join(directory, "file"), "");
    const argv = [...world.argv, `--data-dir=${join(directory, "file", "data")}`];
    await runDaemon({ ...world, argv }, async (context) => {
      const ground = await context.prepare();
      return ground.kind === "failure" ? ground : running();
    });
    expect(said).toEqual(["exit 1"]);
    expect(lines().at(-1)?.error).toContain("not a directory");
  });
});
