import { registerHooks } from "node:module";

/** A bug put into the product's code while it is loaded, to see that the simulation finds it. The product knows nothing of this. */
export type Plant = Readonly<{ file: string; from: string; to: string; why: string }>;

export const plants: Readonly<Record<string, Plant>> = {
  "ack-before-sync": {
    file: "/apps/server/dist/core/driver.js",
    from: "this.#wal.append(batch, () => this.#written(request, after));",
    to: `if (snapshot !== undefined) this.#wal.append(batch, () => this.#written(request, after));
        else { this.#wal.append(batch, () => {}); this.#written(request, after); }`,
    why: "votes and acknowledgements leave before the log is on disk",
  },
  "commit-older-term": {
    file: "/packages/raft/dist/commit.js",
    from: "raft.log.term(index) !== raft.term",
    to: "false",
    why: "an entry of an older term is committed by counting who has it (Raft paper, figure 8)",
  },
  "read-without-index": {
    file: "/apps/server/dist/core/core-questions.js",
    from: "if (this.#gate.wait(read))",
    to: "this.#serve(read);\n        if (false)",
    why: "a linearizable read is served from what this member has, without asking the leader",
  },
  "lease-cut-short": {
    file: "/apps/server/dist/core/lease-keeper.js",
    from: "promote(this.#clock.monotonicMs(), extendMs)",
    to: "promote(this.#clock.monotonicMs() - 4000, 0)",
    why: "a new leader counts the time of leases from before it led",
  },
  "watch-skips-revision": {
    file: "/packages/mvcc/dist/watch/watcher-state.js",
    from: "request.startRevision ?? after(present)",
    to: "request.startRevision === undefined ? after(present) : request.startRevision + 1",
    why: "a watch that goes on at another member begins one revision too late",
  },
  "proposal-twice": {
    file: "/apps/server/dist/core/peer-mail.js",
    from: ".window.take(head.life, head.number))",
    to: ".window.take(head.life, head.number) && false)",
    why: "a forwarded write that the network repeats is carried out twice",
  },
};

/**
 * Plants a bug into everything that is loaded from now on.
 * @returns says, later, whether it got in: the code it belongs to may have changed.
 * @throws Error for a name that is not known.
 */
export function plant(name: string): () => boolean {
  const bug = plants[name];
  if (bug === undefined) throw new Error(`no such bug: ${name}. There are: ${Object.keys(plants).join(", ")}`);
  let isPlanted = false;
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (!url.endsWith(bug.file)) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString();
      isPlanted = source.split(bug.from).length === 2;
      return { ...loaded, source: source.replace(bug.from, bug.to) };
    },
  });
  return () => isPlanted;
}
