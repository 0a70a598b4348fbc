import { Backups } from "./backup.js";
import type { Body } from "./body/jobs.js";
import { LocalBody } from "./body/local-body.js";
import { BodyReader } from "./body/reader.js";
import { removeStaleBackups } from "./body/files.js";
import { isCorruption, openForReading } from "./body/schema.js";
import { ThreadBody } from "./body/thread-body.js";
import type { Mvcc, MvccOptions, MvccPorts } from "./mvcc.js";
import { MvccError } from "./mvcc-error.js";
import { ReplaceableStore } from "./replaceable-store.js";
import { Store } from "./store.js";
import { MvccTelemetry } from "./telemetry.js";

const mebibyte = 1024 * 1024;

/**
 * Opens the store, or makes a new one. Reads a few thousand rows whatever the number of keys.
 * @throws MvccError "mvcc/cannot-open", "mvcc/foreign-file", "mvcc/newer-format", "mvcc/corrupt", each with the path.
 */
export function openMvcc(options: MvccOptions, ports: MvccPorts): Mvcc {
  const { path } = options;
  const telemetry = new MvccTelemetry(ports.tracer, ports.meter);
  const backups = new Backups({ path, usesThread: options.storeThread !== false, telemetry, clock: ports.clock });
  const store = new ReplaceableStore(path, (found) => openStore(options, ports, { telemetry, backups, ...found }));
  removeStaleBackups(path);
  return store;
}

function openStore(
  options: MvccOptions,
  ports: MvccPorts,
  shared: { telemetry: MvccTelemetry; backups: Backups; isSynced: boolean },
): Store {
  const { path } = options;
  const cacheBytes = options.cacheBytes ?? 96 * mebibyte;
  const writer = { path, pageBytes: options.pageBytes ?? 4096, cacheBytes: Math.floor(cacheBytes / 2) };
  let reader: BodyReader | undefined;
  const openReader = (): void => {
    reader ??= new BodyReader(openForReading({ path, cacheBytes: Math.floor(cacheBytes / 6) }));
  };
  let store: Store | undefined;
  const fatal = (cause: Error): void => {
    const error = new MvccError(
      { code: isCorruption(cause) ? "mvcc/corrupt" : "mvcc/io", path, reason: cause.message },
      { cause },
    );
    store?.fail(error);
    ports.fatal(error);
  };
  let body: Body;
  if (options.storeThread === false) {
    body = new LocalBody(writer, fatal);
    openReader();
  } else {
    body = new ThreadBody(writer, { fatal, whileOpen: openReader });
  }
  const settings = {
    blockBytesMax: Math.floor(cacheBytes / 3),
    headBytesMax: options.headBytesMax ?? 64 * mebibyte,
    flushBytes: options.flushBytes ?? 8 * mebibyte,
    flushDelayMs: options.flushDelayMs ?? 100,
    checkpointBytes: options.checkpointBytes ?? 64 * mebibyte,
    compactionBatchLimit: options.compactionBatchLimit ?? 1000,
    compactionSleepMs: options.compactionSleepMs ?? 10,
  };
  store = new Store({ body, reader: reader as unknown as BodyReader, settings, ports, ...shared });
  return store;
}
