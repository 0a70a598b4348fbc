import type { Clock } from "@quorate/common";
import {
  type AppLogger,
  createLogger,
  LogOutputError,
  type Metrics,
  startTracing,
  type Tracing,
} from "@quorate/telemetry";
import type { Config } from "../config/config.js";
import type { LogSettings } from "../config/log-settings.js";
import { type ConfigExit, type ConfigInput, readConfig } from "../config/read-config.js";
import { peerTlsOf } from "../peer-tls.js";
import { createDaemonMetrics } from "./daemon-metrics.js";
import { identifyDataDirectory } from "./data-directory.js";
import type { AskPeer } from "./ask-peer.js";
import type { Resolve } from "./found-cluster.js";
import { type NotifyInit, noticeReady, noticeStopping } from "./init-notice.js";
import { LifeLog, writeLines } from "./life-log.js";
import { type Prepared, prepareStart } from "./prepare-start.js";
import { type SignalPort, stopOnSignals } from "./signals.js";
import { bootstrapFailed, discoveryFailed, exitCodes, type StartFailure } from "./start-failure.js";
import { reasonOf } from "./system-error.js";

/** The process around a member, as real or as simulated as a test wants it. */
export type ProcessWorld = ConfigInput &
  Readonly<{
    clock: Clock;
    resolve: Resolve;
    askPeer: AskPeer;
    signals: SignalPort;
    /** Tells the init system; absent when it did not ask. */
    notifyInit?: NotifyInit | undefined;
    writeOut: (text: string) => void;
    writeError: (text: string) => void;
    /** Says what to do with an error that nobody caught. */
    onUncaught: (run: (error: Error) => void) => void;
    /** Ends the process at once. */
    exit: (code: number) => void;
  }>;

/** What a member is started with. */
export type StartContext = Readonly<{
  config: Config;
  logger: AppLogger;
  metrics: Metrics;
  tracing: Tracing | undefined;
  life: LifeLog;
  /** Makes directories, waits for their lock, derives ids. Call it when the sockets are open. */
  prepare: () => Promise<Prepared | StartFailure>;
  /** Ends the process: a promise cannot be kept any more. */
  crash: (error: Error) => void;
}>;

/** A member that serves. */
export interface RunningMember {
  /** Resolves when it ends by itself: undefined when it was removed from its cluster, else why. */
  readonly ended: Promise<Error | undefined>;
  /** Lets what runs finish, then closes everything. */
  stop(): Promise<void>;
}

/** Starts a member. What it throws is told as a failed bootstrap. */
export type StartMember = (context: StartContext) => Promise<RunningMember | StartFailure>;

/** How long a stop may take over the time that one request has. */
const stopMarginMs = 2000;

/** Runs a member from its settings to its end. Returns when it serves, or has failed to. */
export async function runDaemon(world: ProcessWorld, start: StartMember): Promise<void> {
  const result = readConfig(world);
  if (result.kind === "exit") return leave(world, result);
  const { config } = result;
  const logger = openLogger(config.log, world);
  if (logger === undefined) return;
  writeLines(logger, result.lines);
  logger.info("Running: ", { args: world.argv });
  world.onUncaught((error) => crash(world, logger, error));
  const directory = identifyDataDirectory(config.dataDir);
  writeLines(logger, directory.lines);
  if (directory.kind === "failure") return fail(world, logger, { ...directory, lines: [] });
  const tracing = config.tracing === undefined ? undefined : await startTracing(config.tracing);
  const context: StartContext = {
    config,
    logger,
    tracing,
    metrics: createDaemonMetrics(config, world.runtime.version),
    life: new LifeLog(config, logger),
    prepare: () => prepareStart(config, { ...world, logger, peerTls: peerTlsOf(config) }),
    crash: (error) => crash(world, logger, error),
  };
  const member = await startSafely(start, context);
  if ("kind" in member) {
    await tracing?.shutdown();
    return fail(world, logger, member);
  }
  const isOver = supervise(world, context, member);
  await noticeReady(world.notifyInit, { logger, isOver });
}

/** Logs and writes what an early end has to say, then ends. */
function leave(world: ProcessWorld, exit: ConfigExit): void {
  if (exit.lines.length > 0) {
    const logger = openLogger(exit.log, world);
    if (logger === undefined) return;
    writeLines(logger, exit.lines);
    logger.close();
  }
  if (exit.stdout !== "") world.writeOut(exit.stdout);
  if (exit.stderr !== "") world.writeError(exit.stderr);
  world.exit(exit.exitCode);
}

/** Opens the log. When it cannot be opened that is said on stderr, and the process ends. */
function openLogger(log: LogSettings, world: ProcessWorld): AppLogger | undefined {
  try {
    return createLogger(log, world);
  } catch (error) {
    if (!(error instanceof LogOutputError)) throw error;
    const { fault } = error;
    const reason =
      fault.code === "telemetry/log-sink"
        ? `open sink ${JSON.stringify(fault.path)}: open ${fault.path}: ${reasonOf(error.cause)}`
        : `${fault.output}: ${fault.reason}`;
    const logger = createLogger({ level: "info", format: "json", outputs: ["default"] }, world);
    logger.warn("failed to verify flags", { error: reason });
    world.exit(exitCodes.start);
    return undefined;
  }
}

function fail(world: ProcessWorld, logger: AppLogger, failure: StartFailure): void {
  writeLines(logger, failure.lines);
  logger.close();
  if (failure.stderr !== "") world.writeError(failure.stderr);
  world.exit(failure.exitCode);
}

async function startSafely(start: StartMember, context: StartContext): Promise<RunningMember | StartFailure> {
  try {
    return await start(context);
  } catch (error) {
    return bootstrapFailed(error instanceof Error ? error.message : String(error));
  }
}

function crash(world: ProcessWorld, logger: AppLogger, error: Error): void {
  logger.panic("member cannot go on", { error: error.message, cause: String(error.cause ?? ""), stack: error.stack });
  world.writeError(`panic: ${error.message}\n`);
  world.exit(exitCodes.panic);
}

/** Waits for a signal, or for the member's own end. @returns whether one of them has come. */
function supervise(world: ProcessWorld, context: StartContext, member: RunningMember): () => boolean {
  const { config, logger, life, tracing } = context;
  let stopped: Promise<void> | undefined;
  let isFailed = false;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      life.closing();
      await Promise.all([noticeStopping(world.notifyInit, logger), member.stop()]);
      await tracing?.shutdown();
      life.closed();
    })();
    return stopped;
  };
  const deadlineMs = config.limits.requestTimeoutMs + stopMarginMs;
  stopOnSignals(stop, { deadlineMs }, { process: world.signals, clock: world.clock, logger });
  const ended = async (): Promise<void> => {
    const error = await member.ended;
    if (stopped !== undefined) return; // the signal that asked for it ends the process
    if (error === undefined) {
      await stop();
      return world.exit(exitCodes.ok);
    }
    isFailed = true;
    fail(world, logger, discoveryFailed(error.message));
  };
  ended().catch((error: unknown) => crash(world, logger, error instanceof Error ? error : new Error(String(error))));
  return () => stopped !== undefined || isFailed;
}
