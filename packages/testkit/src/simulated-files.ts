import { assert } from "@quorate/common";
import type { SimulatedRandom } from "./simulated-random.js";

const sectorBytes = 512;

type Change =
  | { kind: "write"; position: number; bytes: Uint8Array }
  | { kind: "extend"; size: number }
  | { kind: "truncate"; size: number };

/** Bytes that grow. */
class Image {
  #bytes: Uint8Array = new Uint8Array(0);
  size = 0;

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  set(bytes: Uint8Array): void {
    this.#bytes = bytes.slice();
    this.size = bytes.length;
  }

  apply(change: Change): void {
    if (change.kind === "write") {
      this.#reserve(change.position + change.bytes.length);
      this.#bytes.set(change.bytes, change.position);
      this.size = Math.max(this.size, change.position + change.bytes.length);
    } else if (change.kind === "extend") {
      this.#reserve(change.size);
      this.size = Math.max(this.size, change.size);
    } else if (change.size < this.size) {
      this.#bytes.fill(0, change.size, this.size);
      this.size = change.size;
    }
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2));
    grown.set(this.view());
    this.#bytes = grown;
  }
}

/** A file: what the running process sees, what is safe, and the changes in between. */
export class FileNode {
  readonly kind = "file";
  readonly #seen = new Image();
  readonly #durable = new Image();
  #pending: Change[] = [];
  /** Changes made safe so far. */
  #settled = 0;

  get size(): number {
    return this.#seen.size;
  }

  /** Counts the changes made so far. */
  get changes(): number {
    return this.#settled + this.#pending.length;
  }

  bytes(): Uint8Array {
    return this.#seen.view().slice();
  }

  read(position: number, length: number): Uint8Array {
    return this.#seen.view().slice(position, position + length);
  }

  write(position: number, bytes: Uint8Array): void {
    this.#change({ kind: "write", position, bytes });
  }

  extend(size: number): void {
    this.#change({ kind: "extend", size });
  }

  truncate(size: number): void {
    this.#change({ kind: "truncate", size });
  }

  /** The first `upTo` changes are safe; a sync that began later may have ended before this one, so they may be so already. */
  sync(upTo: number): void {
    const settling = this.#pending.splice(0, Math.max(0, upTo - this.#settled));
    for (const change of settling) this.#durable.apply(change);
    this.#settled += settling.length;
  }

  replace(bytes: Uint8Array): void {
    this.#forget();
    this.#durable.set(bytes);
    this.#seen.set(bytes);
  }

  /** Keeps, loses or tears each change that was not safe. */
  crash(random: SimulatedRandom): void {
    const mood = random.pick(["mixed", "all", "none"] as const);
    for (const change of this.#pending) {
      const chance = mood === "all" ? 1 : mood === "none" ? 0 : 0.6;
      if (change.kind !== "write") {
        if (random.chance(chance)) this.#durable.apply(change);
        continue;
      }
      for (const part of sectorParts(change)) {
        if (!random.chance(chance)) continue;
        const isTorn = mood === "mixed" && random.chance(0.3);
        const kept = isTorn ? random.integer(0, part.bytes.length) : part.bytes.length;
        if (kept > 0) this.#durable.apply({ ...part, bytes: part.bytes.subarray(0, kept) });
      }
    }
    this.#forget();
    this.#seen.set(this.#durable.view());
  }

  #forget(): void {
    this.#settled += this.#pending.length;
    this.#pending = [];
  }

  #change(change: Change): void {
    this.#seen.apply(change);
    this.#pending.push(change);
  }
}

function* sectorParts(change: Extract<Change, { kind: "write" }>): Iterable<Extract<Change, { kind: "write" }>> {
  const { position, bytes } = change;
  for (let from = 0; from < bytes.length; ) {
    const inSector = (position + from) % sectorBytes;
    const length = Math.min(sectorBytes - inSector, bytes.length - from);
    yield { kind: "write", position: position + from, bytes: bytes.subarray(from, from + length) };
    from += length;
  }
}

/** A directory: the names the running process sees, and those that are safe. */
export class DirectoryNode {
  readonly kind = "directory";
  entries = new Map<string, Node>();
  durable = new Map<string, Node>();
}

export type Node = FileNode | DirectoryNode;
type Place = Readonly<{ directory: DirectoryNode; name: string }>;
type NameChange =
  | { kind: "link"; to: Place; node: Node }
  | { kind: "unlink"; from: Place }
  | { kind: "rename"; from: Place; to: Place; node: Node };

/** The names of a disk, from the root down. */
export class NameTree {
  readonly #root = new DirectoryNode();
  #pending: NameChange[] = [];

  find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      node = node?.kind === "directory" ? node.entries.get(name) : undefined;
    }
    return node;
  }

  /** @returns false when a file is in the way. */
  makeDirectories(path: string): boolean {
    let directory = this.#root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      const found = directory.entries.get(name);
      if (found?.kind === "file") return false;
      const next = found ?? new DirectoryNode();
      if (found === undefined) this.link(directory, name, next);
      directory = next;
    }
    return true;
  }

  link(directory: DirectoryNode, name: string, node: Node): void {
    this.#change({ kind: "link", to: { directory, name }, node });
  }

  unlink(directory: DirectoryNode, name: string): void {
    this.#change({ kind: "unlink", from: { directory, name } });
  }

  rename(from: Place, to: Place, node: Node): void {
    this.#change({ kind: "rename", from, to, node });
  }

  /** The names in a directory are safe. */
  sync(directory: DirectoryNode): void {
    this.#pending = this.#pending.filter((change) => {
      const touches =
        (change.kind !== "link" && change.from.directory === directory) ||
        (change.kind !== "unlink" && change.to.directory === directory);
      if (touches) applyName(change, "durable");
      return !touches;
    });
  }

  usedBytes(): number {
    let bytes = 0;
    const visit = (node: Node): void => {
      if (node.kind === "file") bytes += node.size;
      else for (const child of node.entries.values()) visit(child);
    };
    visit(this.#root);
    return bytes;
  }

  /** Keeps or loses each change of a name that was not safe, then does the same to the files. */
  crash(random: SimulatedRandom): void {
    for (const change of this.#pending) if (random.chance(0.5)) applyName(change, "durable");
    this.#pending = [];
    const seen = new Set<Node>();
    const visit = (node: Node): void => {
      assert(!seen.has(node) || node.kind === "file", "a directory has one name");
      if (seen.has(node)) return;
      seen.add(node);
      if (node.kind === "file") {
        node.crash(random);
        return;
      }
      node.entries = new Map(node.durable);
      for (const name of [...node.entries.keys()].sort()) visit(node.entries.get(name) as Node);
    };
    visit(this.#root);
  }

  #change(change: NameChange): void {
    applyName(change, "entries");
    this.#pending.push(change);
  }
}

function applyName(change: NameChange, which: "entries" | "durable"): void {
  if (change.kind !== "link") change.from.directory[which].delete(change.from.name);
  if (change.kind !== "unlink") change.to.directory[which].set(change.to.name, change.node);
}
