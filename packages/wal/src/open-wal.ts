import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { assert, type Disk, type DiskFile, type LogIndex } from "@quorate/common";
import { encodeSegmentHeader, putBatchHead, segmentHeaderBytes, segmentName } from "./format.js";
import { InlineWal } from "./inline-wal.js";
import { Instruments } from "./instruments.js";
import { type LogReading, readLog } from "./read-log.js";
import { RealDisk } from "./real-disk.js";
import {
  type LogTail,
  openingBatch,
  sealRecords,
  type Segment,
  SegmentLog,
  type SegmentLogOptions,
} from "./segment-log.js";
import { nextSegmentFile } from "./space-ahead.js";
import { ThreadedWal } from "./threaded-wal.js";
import type { Recovered, Wal, WalOptions, WalPorts } from "./wal.js";
import { ioError } from "./wal-error.js";

/** What a segment may hold before the next is begun, as etcd has it. */
export const defaultSegmentBytesMax = 64_000_000;
const defaultSegmentsKept = 5;
const defaultPendingBytesMax = 256 * 1024 * 1024;

/**
 * Opens the log in a directory, or makes one. A batch that was torn off at its end is cut away; everything that is returned has been
 * synced, so that it cannot be lost after it was acted on.
 * @throws WalError "wal/corrupt", "wal/missing-segment", "wal/foreign", "wal/newer-version", "wal/no-space", "wal/io".
 */
export async function openWal(options: WalOptions, ports: WalPorts): Promise<{ wal: Wal; recovered: Recovered }> {
  const disk = options.thread === true ? new RealDisk() : ports.disk;
  assert(disk !== undefined, "a log without its own thread is given a disk");
  const { directory, metadata } = options;
  const settings = {
    directory,
    segmentBytesMax: options.segmentBytesMax ?? defaultSegmentBytesMax,
    segmentsKept: options.segmentsKept ?? defaultSegmentsKept,
    unsafeNoSync: options.unsafeNoSync ?? false,
    fillAhead: options.thread === true,
    pendingBytesMax: options.pendingBytesMax ?? defaultPendingBytesMax,
  };
  const drawn = ports.random?.integer(0, 0xffffffff) ?? randomBytes(4).readUInt32LE();
  const reading = readLog({ directory, isWhole: options.isWhole }, { disk, logger: ports.logger });
  const opened =
    reading === undefined
      ? await createLog({ ...settings, metadata, salt: drawn }, disk)
      : await settle(reading, settings, { disk, logger: ports.logger });
  const recovered: Recovered = {
    isNew: reading === undefined,
    metadata: opened.tail.metadata,
    state: opened.tail.state,
    snapshot: reading?.isWhole === true ? undefined : opened.tail.snapshot,
    entries: reading?.entries ?? [],
    repairedBytes: reading?.torn?.bytes ?? 0,
  };
  return { wal: start(settings, ports, disk, opened), recovered };
}

type Opened = { tail: LogTail; file: DiskFile };

function start(
  settings: SegmentLogOptions & { pendingBytesMax: number },
  ports: WalPorts,
  disk: Disk,
  opened: Opened,
): Wal {
  const instruments = new Instruments(ports);
  const { tail, file } = opened;
  if (settings.fillAhead) {
    file.close();
    return new ThreadedWal(settings, tail, { instruments, fatal: ports.fatal });
  }
  const randomUint32 = (): number => ports.random?.integer(0, 0xffffffff) ?? randomBytes(4).readUInt32LE();
  const failed = (error: Error): void => {
    wal.fail();
    ports.fatal(error);
  };
  const log = new SegmentLog(
    settings,
    { disk, monotonicMs: () => ports.clock.monotonicMs(), randomUint32, failed },
    tail,
    { file, spaceUpTo: tail.offset },
  );
  const wal = new InlineWal({ pendingBytesMax: settings.pendingBytesMax, lastIndex: tail.lastIndex }, log, instruments);
  return wal;
}

/** Makes a log with one segment. The directory gets its name when the segment is whole, so there is never half a log. */
async function createLog(
  options: { directory: string; segmentBytesMax: number; metadata: Uint8Array; salt: number },
  disk: Disk,
): Promise<Opened> {
  const { directory, metadata, salt } = options;
  const segment: Segment = { sequence: 0, firstIndex: 0 as LogIndex };
  const isInPlace = disk.exists(directory);
  const home = isInPlace ? directory : `${directory}.tmp`;
  const name = segmentName(segment.sequence, segment.firstIndex);
  const header = encodeSegmentHeader({ ...segment, salt, previousChain: 0, previousEnd: 0 });
  const opening = openingBatch(metadata, undefined, undefined);
  const { used } = opening;
  const head = {
    number: 1,
    durableOffset: 0,
    batchBytes: used,
    previousChain: header.chain,
    offset: segmentHeaderBytes,
  };
  putBatchHead(opening.bytes, 0, head, salt);
  const chain = sealRecords(opening.bytes, used, header.chain);
  let file: DiskFile | undefined;
  try {
    disk.makeDirectory(home);
    removeLeftovers(home, disk, (found) => !isInPlace || found.endsWith(".tmp"));
    const temporary = `${home}/${isInPlace ? nextSegmentFile : name}`;
    file = disk.open(temporary, "create");
    file.allocate(options.segmentBytesMax);
    file.write(0, [header.bytes, opening.bytes.subarray(0, used)]);
    await synced(file);
    if (isInPlace) disk.rename(temporary, `${home}/${name}`);
    disk.syncDirectory(home);
    if (!isInPlace) disk.rename(home, directory);
    syncNames(directory, disk);
  } catch (error) {
    file?.close();
    throw ioError("create", directory, error);
  }
  const offset = segmentHeaderBytes + used;
  const lastIndex = 0 as LogIndex;
  const rest = { state: undefined, snapshot: undefined, batchNumber: 1, lastIndex, metadata, salt, chain, offset };
  return { tail: { segments: [segment], ...rest }, file };
}

/** Makes what was read the truth: nothing behind it, all of it on disk. */
async function settle(
  reading: LogReading,
  options: { directory: string; segmentBytesMax: number },
  ports: Pick<WalPorts, "logger"> & { disk: Disk },
): Promise<Opened> {
  const { tail, torn } = reading;
  const { disk } = ports;
  const last = tail.segments.at(-1) as Segment;
  const path = `${options.directory}/${segmentName(last.sequence, last.firstIndex)}`;
  let file: DiskFile | undefined;
  try {
    removeLeftovers(options.directory, disk, (name) => name.endsWith(".tmp"));
    file = disk.open(path, "write");
    if (torn !== undefined) {
      file.truncate(torn.offset);
      // Durable before anything is written behind it: what was cut off must not come back.
      await synced(file);
      const fields = { path, "wal.repaired.bytes": torn.bytes, "wal.offset": torn.offset, error: torn.reason };
      ports.logger.info("repaired WAL", fields);
    }
    file.allocate(options.segmentBytesMax);
    await synced(file);
    syncNames(options.directory, disk);
  } catch (error) {
    file?.close();
    throw ioError("repair", path, error);
  }
  return { tail, file };
}

function synced(file: DiskFile): Promise<void> {
  return new Promise((resolve, reject) =>
    file.sync((failure) => (failure === undefined ? resolve() : reject(failure))),
  );
}

/**
 * Makes the log's name durable, and the names it is found under: the process that made them may have been killed before it did so.
 * A directory above that may not be read was made by someone else.
 */
function syncNames(directory: string, disk: Disk): void {
  disk.syncDirectory(directory);
  for (let at = directory; dirname(at) !== at; at = dirname(at)) {
    try {
      disk.syncDirectory(dirname(at));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "EACCES" && code !== "EPERM") throw error;
      return;
    }
  }
}

function removeLeftovers(directory: string, disk: Disk, isLeftover: (name: string) => boolean): void {
  for (const name of disk.list(directory)) if (isLeftover(name)) disk.remove(`${directory}/${name}`);
}
