import { ClientError, prefix, rpcs, type WatchEvent } from "@quorate/client";
import type { RequestOp } from "@quorate/proto";
import { CommandFailure } from "../command-failure.js";
import { noTimeout, type Session } from "../connection/session.js";
import { ExitCode } from "../exit-codes.js";
import { argumentBytes } from "../frame/argument-bytes.js";
import { type CommandContext, defineCommand } from "../frame/command.js";
import type { FlagTable, FlagValues } from "../frame/flag-table.js";
import type { GlobalValues } from "../frame/global-flags.js";
import { prefixEnd } from "./key-range.js";
import { badArguments } from "./message-forms.js";

const pageKeys = 1_000n;
const tellEveryMs = 30_000;

const mirrorFlags = {
  prefix: { kind: "string", help: "mirror keys that begin with this only" },
  rev: { kind: "int", help: "mirror changes from this revision on only" },
  "max-txn-ops": { kind: "int", default: 128n, help: "most changes in one transaction" },
  "dest-prefix": { kind: "string", help: "prefix in the place of --prefix at the destination" },
  "no-dest-prefix": { kind: "bool", help: "take --prefix off at the destination" },
  "dest-cert": { kind: "string", help: "file with this client's certificate for the destination" },
  "dest-key": { kind: "string", help: "file with the key of --dest-cert" },
  "dest-cacert": { kind: "string", help: "file with the authorities of the destination's certificates" },
  "dest-insecure-transport": { kind: "bool", default: true, help: "use no TLS for a destination without a scheme" },
  "dest-user": { kind: "string", help: "name[:password] at the destination" },
  "dest-password": { kind: "string", help: "password at the destination; --dest-user is then the name alone" },
} as const satisfies FlagTable;

type MirrorValues = FlagValues<typeof mirrorFlags>;

export const makeMirror = defineCommand({
  name: "make-mirror",
  usage: "[options] <destination>",
  short: "Makes a mirror at the destination etcd cluster",
  long: `Copies all keys to another cluster, then every change, until it fails or is ended. The number of keys that were copied is printed every
30 seconds. Leases are not copied. A destination that cannot be reached is waited for.`,
  group: "Utility commands",
  flags: mirrorFlags,
  async run(context) {
    const { flags, args } = context;
    const [destination = ""] = args;
    if (args.length !== 1) throw badArguments("make-mirror takes one destination argument");
    const from = await context.connect();
    const to = await context.connectTo(destinationOf(destination, flags));
    if (flags["no-dest-prefix"] && flags["dest-prefix"] !== "") {
      throw badArguments("`--dest-prefix` and `--no-dest-prefix` cannot be set at the same time, choose one");
    }
    const mirror = new Mirror(from, to, flags);
    tellCount(mirror, context);
    await mirror.run();
    return undefined;
  },
});

/** The connection's settings in the words of the global flags. What is not given has to be absent: an empty file name is an error. */
function destinationOf(endpoint: string, flags: MirrorValues): Partial<GlobalValues> {
  const files = { cert: flags["dest-cert"], key: flags["dest-key"], cacert: flags["dest-cacert"] };
  return {
    ...Object.fromEntries(Object.entries(files).filter(([, file]) => file !== "")),
    endpoints: [endpoint],
    "insecure-transport": flags["dest-insecure-transport"],
    "auth-jwt-token": "",
    user: flags["dest-user"],
    password: flags["dest-password"],
  };
}

function tellCount(mirror: Mirror, context: CommandContext<FlagTable>): void {
  context.world.clock.after(tellEveryMs, () => {
    context.printText((page) => page.line(String(mirror.copied)));
    tellCount(mirror, context);
  });
}

/** Copies from one cluster to another. */
class Mirror {
  readonly #from: Session;
  readonly #to: Session;
  readonly #prefix: Uint8Array;
  readonly #newPrefix: Uint8Array;
  readonly #operationsMax: number;
  readonly #startRevision: bigint;
  #copied = 0;

  constructor(from: Session, to: Session, flags: MirrorValues) {
    this.#from = from;
    this.#to = to;
    this.#prefix = argumentBytes(flags.prefix);
    const isSame = flags["dest-prefix"] === "" && !flags["no-dest-prefix"];
    this.#newPrefix = isSame ? this.#prefix : argumentBytes(flags["dest-prefix"]);
    this.#operationsMax = Math.max(1, Number(flags["max-txn-ops"]));
    this.#startRevision = flags.rev;
  }

  /** Keys that were written or deleted at the destination. */
  get copied(): number {
    return this.#copied;
  }

  /** Does not return. @throws ClientError, CommandFailure */
  async run(): Promise<void> {
    const start = this.#startRevision > 1n ? this.#startRevision : (await this.#copyAll()) + 1n;
    const watch = this.#from.client.bytes.watch(prefix(this.#prefix), { startRevision: start });
    try {
      for await (const batch of watch.batches()) await this.#copyChanges(batch.events);
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== "etcd/compacted") throw error;
      throw new CommandFailure(ExitCode.Error, "etcdserver: mvcc: required revision has been compacted");
    }
  }

  /** @returns the revision of what was copied. */
  async #copyAll(): Promise<bigint> {
    const hasAll = this.#prefix.length === 0;
    const rangeEnd = hasAll ? Uint8Array.of(0) : prefixEnd(this.#prefix);
    let key: Uint8Array = hasAll ? Uint8Array.of(0) : this.#prefix;
    let revision = 0n;
    for (;;) {
      const request = { key, rangeEnd, revision, limit: pageKeys };
      const answer = await this.#from.call(rpcs.range, request, { timeoutMs: noTimeout });
      if (revision === 0n) revision = answer.header?.revision ?? 0n;
      for (const one of answer.kvs) {
        const put = { key: this.#renamed(one.key), value: one.value };
        // To put the same pair twice does no harm: nobody else writes here.
        await this.#to.call(rpcs.put, put, { timeoutMs: noTimeout, retryWrites: "always" });
        this.#copied += 1;
      }
      const last = answer.kvs.at(-1);
      if (!answer.more || last === undefined) return revision;
      key = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }

  /** The changes of one revision go together, as far as a transaction may be long. */
  async #copyChanges(events: readonly WatchEvent<Uint8Array, Uint8Array>[]): Promise<void> {
    let operations: RequestOp[] = [];
    let revision: bigint | undefined;
    for (const event of events) {
      const isNext = revision !== undefined && event.revision > revision;
      if (isNext || operations.length === this.#operationsMax) operations = await this.#commit(operations);
      revision = event.revision;
      operations.push(this.#operationOf(event));
    }
    await this.#commit(operations);
  }

  async #commit(success: RequestOp[]): Promise<RequestOp[]> {
    if (success.length > 0) {
      await this.#to.call(rpcs.txn, { success }, { timeoutMs: noTimeout, retryWrites: "always" });
      this.#copied += success.length;
    }
    return [];
  }

  #operationOf(event: WatchEvent<Uint8Array, Uint8Array>): RequestOp {
    const key = this.#renamed(event.key);
    if (event.type === "delete") return deletion(key);
    const put = { key, value: event.entry.value, lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false };
    return { request: { kind: "requestPut", value: put } };
  }

  #renamed(key: Uint8Array): Uint8Array {
    return Buffer.concat([this.#newPrefix, key.subarray(this.#prefix.length)]);
  }
}

function deletion(key: Uint8Array): RequestOp {
  return { request: { kind: "requestDeleteRange", value: { key, rangeEnd: new Uint8Array(), prevKv: false } } };
}
