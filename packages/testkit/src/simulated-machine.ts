import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock, MemberId } from "@quorate/common";
import { SimulatedDisk } from "./simulated-disk.js";
import type { SimulatedLife } from "./simulated-life.js";
import type { SimulatedRandom } from "./simulated-random.js";

/** How far a database file has come, as log indexes: what is in the file, and what of it the process has said to be durable. */
export type DatabaseMark = Readonly<{ flushed: number; durable: number }>;

type Note = Readonly<{ directory: string; flushed: number }>;

const databaseFiles = ["db", "db-wal"];

/**
 * What outlives a member's process: its simulated disk, and the directory with the files that its database opens itself. Of these a loss of power may
 * bring back an earlier state that was noted, but none older than what the database has said to be durable.
 */
export class SimulatedMachine {
  readonly member: MemberId;
  disk: SimulatedDisk;
  readonly random: SimulatedRandom;
  /** Where the process that runs now, or the next one, finds its files. */
  directory: string;
  life: SimulatedLife | undefined;
  /** How long a sync takes from now on, evenly between the two. */
  syncMs: Readonly<{ min: number; max: number }> = { min: 0, max: 0 };
  readonly #root: string;
  readonly #onDark: () => void;
  readonly #ports: { clock: Clock };
  #directories = 0;
  #left: string[] = [];
  #notes: Note[] = [];
  #durable = 0;

  constructor(
    options: { member: MemberId; root: string; onDark: () => void },
    ports: { clock: Clock; random: SimulatedRandom },
  ) {
    this.member = options.member;
    this.random = ports.random;
    this.#root = options.root;
    this.#onDark = options.onDark;
    this.#ports = ports;
    this.directory = this.#newDirectory();
    this.disk = this.#newDisk();
  }

  /** Keeps the database file as it is now for a loss of power to bring back. Call it when nothing is being written. */
  note(mark: DatabaseMark): void {
    this.#durable = Math.max(this.#durable, mark.durable);
    const directory = this.#newDirectory();
    copyFiles(this.directory, directory, (name) => databaseFiles.includes(name));
    this.#notes.push({ directory, flushed: mark.flushed });
    this.#dropNotes((note) => note.flushed < this.#durable);
  }

  /**
   * The database files as the next process finds them. To be called at the very moment of the end.
   * @param mark where the database stood; undefined when it was not open.
   */
  loseDatabase(kind: "process" | "power", mark: DatabaseMark | undefined): void {
    this.#durable = Math.max(this.#durable, mark?.durable ?? 0);
    const possible = kind === "power" ? this.#notes.filter(({ flushed }) => flushed >= this.#durable) : [];
    const chosen = this.random.pick([undefined, ...possible]);
    const directory = this.#newDirectory();
    copyFiles(this.directory, directory, (name) => chosen === undefined || !databaseFiles.includes(name));
    if (chosen !== undefined) copyFiles(chosen.directory, directory, () => true);
    this.#left.push(this.directory);
    this.directory = directory;
    if (kind === "power") this.#dropNotes(() => true);
  }

  /** The disk as the next process finds it. */
  crashDisk(kind: "process" | "power"): void {
    if (kind === "power") this.disk.crash();
    else this.disk.killProcess();
  }

  /** Takes away what dead processes have let go of. */
  sweep(): void {
    for (const directory of this.#left.splice(0)) rmSync(directory, { recursive: true, force: true });
  }

  /** An orderly end: nothing is lost. */
  stopped(): void {
    this.disk.killProcess();
  }

  /** A new, empty machine of the same name. */
  wipe(): void {
    this.disk = this.#newDisk();
    this.directory = this.#newDirectory();
    this.#durable = 0;
    this.#dropNotes(() => true);
  }

  #newDisk(): SimulatedDisk {
    const { clock } = this.#ports;
    // What the disk calls back goes to the process that runs then; a disk forgets whom it was to call when a process ends.
    const gated: Clock = {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      after: (delayMs, run) => clock.after(delayMs, () => this.life?.enter(run)),
    };
    const random = this.random.fork();
    const syncMs = (): number => this.syncMs.min + random.fraction() * (this.syncMs.max - this.syncMs.min);
    return new SimulatedDisk({ syncMs, onDark: this.#onDark }, { clock: gated, random: this.random.fork() });
  }

  #dropNotes(isDropped: (note: Note) => boolean): void {
    for (const note of this.#notes) if (isDropped(note)) rmSync(note.directory, { recursive: true, force: true });
    this.#notes = this.#notes.filter((note) => !isDropped(note));
  }

  #newDirectory(): string {
    this.#directories += 1;
    const directory = join(this.#root, `${this.member.toString(16)}-${this.#directories}`);
    mkdirSync(directory, { recursive: true });
    return directory;
  }
}

function copyFiles(from: string, to: string, isWanted: (name: string) => boolean): void {
  if (!existsSync(from)) return;
  for (const name of readdirSync(from).sort()) {
    // SQLite makes its index of the write-ahead log anew; a copy of one that is in use would be wrong.
    if (name.endsWith("-shm") || !isWanted(name)) continue;
    const path = join(from, name);
    if (statSync(path).isFile()) copyFileSync(path, join(to, name));
  }
}
