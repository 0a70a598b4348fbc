import type { LogIndex } from "@quorate/common";
import { runScripts, type ScriptRunner, SimulatedClock, SimulatedDisk, SimulatedRandom } from "@quorate/testkit";
import { describe } from "vitest";
import { type Recovered, type Wal, WalError } from "../src/index.js";
import { parseSegmentName } from "../src/format.js";
import { buildEntry, bytes, mustOpen, shown, text } from "./fixtures.js";

const directory = "/wal";

/** Carries out `open`, `append`, `snapshot`, `reset`, `release`, `close`, `kill`, `files`, `chop`, `flip` and `remove` on a simulated disk. */
class LogScript implements ScriptRunner {
  readonly #clock = new SimulatedClock();
  readonly #random = new SimulatedRandom(1);
  readonly #disk = new SimulatedDisk({}, { clock: this.#clock, random: this.#random });
  #wal: Wal | undefined;

  async execute(line: string): Promise<string> {
    const [command = "", ...words] = line.split(" ");
    try {
      return await this.#carryOut(command, words);
    } catch (error) {
      if (error instanceof WalError) return `refused ${error.message}`;
      throw error;
    }
  }

  async #carryOut(command: string, words: readonly string[]): Promise<string> {
    const [first = "", second = ""] = words;
    switch (command) {
      case "open":
        return this.#open();
      case "append":
        return this.#append(words);
      case "snapshot":
        return this.#acknowledged((done) =>
          this.#log().saveSnapshot({ index: Number(first) as LogIndex, data: bytes(second) }, done),
        );
      case "reset":
        return this.#reset(Number(first), second, words.slice(2));
      case "release":
        this.#log().release(Number(first) as LogIndex);
        await this.#clock.advance(1);
        return "ok";
      case "close":
        await Promise.all([this.#log().close(), this.#clock.advance(1)]);
        return "ok";
      case "kill":
        this.#disk.killProcess();
        return "ok";
      case "files":
        return this.#disk
          .list(directory)
          .map((name) => `${name} ${this.#used(name)} bytes used`)
          .join("\n");
      case "chop":
        return this.#damage(first, (contents, used) => contents.fill(0, used - Number(second)));
      case "flip":
        return this.#damage(first, (contents) =>
          contents.with(Number(second), (contents[Number(second)] as number) ^ 1),
        );
      case "remove":
        this.#disk.remove(this.#path(first));
        return "ok";
      default:
        throw new Error(`unknown command ${command}`);
    }
  }

  async #open(): Promise<string> {
    const ports = { disk: this.#disk, clock: this.#clock, random: this.#random };
    const opening = mustOpen({ directory, segmentBytesMax: 1000, segmentsKept: 2 }, ports);
    opening.catch(() => {});
    await this.#clock.advance(1);
    const { wal, recovered } = await opening;
    this.#wal = wal;
    return showRecovered(recovered);
  }

  /** `append FROM DATA... [state=S]`; data `a*300` is that letter so many times. */
  #append(words: readonly string[]): Promise<string> {
    const [from, ...rest] = words;
    const state = rest.find((word) => word.startsWith("state="))?.slice(6);
    const datas = rest.filter((word) => !word.startsWith("state=")).map(repeated);
    const entries = datas.map((data, at) => buildEntry(Number(from) + at, data));
    return this.#acknowledged((done) =>
      this.#log().append({ entries, mustSync: true, ...(state === undefined ? {} : { state: bytes(state) }) }, done),
    );
  }

  /** `reset INDEX SNAPSHOT DATA...`: the entries follow the snapshot. */
  #reset(index: number, snapshot: string, words: readonly string[]): Promise<string> {
    const entries = words.map((word, at) => buildEntry(index + 1 + at, repeated(word)));
    const reset = { index: index as LogIndex, data: bytes(snapshot) };
    return this.#acknowledged((done) => this.#log().append({ reset, entries, mustSync: true }, done));
  }

  async #acknowledged(run: (done: () => void) => void): Promise<string> {
    let isDone = false;
    run(() => {
      isDone = true;
    });
    await this.#clock.advance(5);
    return isDone ? "ok" : "not acknowledged";
  }

  #damage(sequence: string, change: (contents: Uint8Array, used: number) => Uint8Array): string {
    const path = this.#path(sequence);
    const contents = this.#disk.contents(path);
    this.#disk.setContents(path, change(contents, this.#used(path.slice(directory.length + 1))));
    return "ok";
  }

  #path(sequence: string): string {
    const name = this.#disk.list(directory).find((found) => parseSegmentName(found)?.sequence === Number(sequence));
    return `${directory}/${name}`;
  }

  #used(name: string): number {
    return this.#disk.contents(`${directory}/${name}`).findLastIndex((byte) => byte !== 0) + 1;
  }

  #log(): Wal {
    if (this.#wal === undefined) throw new Error("open comes first");
    return this.#wal;
  }
}

function repeated(word: string): string {
  const [letter = "", count] = word.split("*");
  return count === undefined ? word : letter.repeat(Number(count));
}

function showRecovered({ isNew, entries, state, snapshot, repairedBytes }: Recovered): string {
  if (isNew) return "new";
  const data = shown(entries).map((entry) =>
    entry.replace(/=(.)(\1{9,})$/, (_, letter, more) => `=${letter}*${more.length + 1}`),
  );
  const parts = [`entries ${data.join(" ") || "none"}`];
  if (state !== undefined) parts.push(`state ${text(state)}`);
  if (snapshot !== undefined) parts.push(`snapshot ${snapshot.index}=${text(snapshot.data)}`);
  if (repairedBytes > 0) parts.push(`repaired ${repairedBytes} bytes`);
  return parts.join("\n");
}

describe("scripts", () => {
  runScripts(new URL("scripts", import.meta.url).pathname, () => new LogScript());
});
