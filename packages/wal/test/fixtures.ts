import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Clock, type LogIndex, silentLogger, silentMeter } from "@quorate/common";
import { onTestFinished } from "vitest";
import {
  openWal,
  RealDisk,
  type Recovered,
  type Wal,
  type WalEntry,
  type WalOptions,
  type WalPorts,
} from "../src/index.js";

/** The machine's clock. */
export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** An empty directory that goes away with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(`${tmpdir()}/quorate-wal-`);
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(data: Uint8Array | undefined): string | undefined {
  return data === undefined ? undefined : new TextDecoder().decode(data);
}

export function buildEntry(index: number, data = `entry ${index}`): WalEntry {
  return { index: index as LogIndex, data: bytes(data) };
}

export function buildPorts(ports: Partial<WalPorts> = {}): WalPorts {
  const fatal = (error: Error): void => {
    throw error;
  };
  return { clock: realClock, logger: silentLogger, meter: silentMeter, disk: new RealDisk(), fatal, ...ports };
}

export function mustOpen(
  options: Partial<WalOptions> & { directory: string },
  ports: Partial<WalPorts> = {},
): Promise<{ wal: Wal; recovered: Recovered }> {
  return openWal({ metadata: bytes("metadata"), segmentBytesMax: 1 << 16, ...options }, buildPorts(ports));
}

/** Appends and waits. */
export function append(wal: Wal, entries: readonly WalEntry[], state?: string, mustSync = true): Promise<void> {
  return new Promise((resolve) =>
    wal.append({ entries, mustSync, ...(state === undefined ? {} : { state: bytes(state) }) }, resolve),
  );
}

export function saveSnapshot(wal: Wal, index: number, data: string): Promise<void> {
  return new Promise((resolve) => wal.saveSnapshot({ index: index as LogIndex, data: bytes(data) }, resolve));
}

/** `index=data` for each entry. */
export function shown(entries: readonly WalEntry[]): string[] {
  return entries.map((entry) => `${entry.index}=${text(entry.data)}`);
}
