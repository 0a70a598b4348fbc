import type { Change } from "./history.js";
import { type MemberClient, NoAnswer } from "./member-client.js";
import type { Attempt, CrashModel } from "./model.js";
import type { SeededRandom } from "./random.js";

const keysPerWorker = 20;
const longTtlSeconds = 3_600;
const shortTtlSeconds = 3;
/** Keys that live as long as their lease, a few seconds. */
export const shortLivedPrefix = "short/";

/**
 * One client that writes one thing after the other until it gets no answer any more. Its keys and leases are its own, so it
 * always knows what each of its writes has to do.
 */
export class Worker {
  readonly #name: string;
  readonly #model: CrashModel;
  readonly #random: SeededRandom;
  /** What is there when all acknowledged writes are: value and lease by key. */
  #keys = new Map<string, Change>();
  #leases: string[] = [];
  #next = 0;

  constructor(name: string, model: CrashModel, random: SeededRandom) {
    this.#name = name;
    this.#model = model;
    this.#random = random;
  }

  /** After a check: takes over what the member has really kept. */
  settle(leases: ReadonlySet<string>): void {
    this.#keys = new Map();
    for (let number = 0; number < keysPerWorker; number++) {
      const key = this.#key(number);
      const state = this.#model.keyState(key);
      if (state !== undefined) this.#keys.set(key, { key, value: state.value, lease: state.lease });
    }
    this.#leases = this.#leases.filter((id) => leases.has(id));
  }

  /** Writes until an answer stays out. @throws what the member refuses: nothing here may be refused */
  async run(client: MemberClient, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        await this.#step(client);
      } catch (error) {
        if (error instanceof NoAnswer) return;
        throw error;
      }
    }
  }

  #step(client: MemberClient): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.6) return this.#put(client, [this.#change("0")]);
    if (dice < 0.75) return this.#put(client, this.#severalChanges());
    if (dice < 0.85) return this.#delete(client);
    if (dice < 0.88) return this.#compact(client);
    if (dice < 0.92) return this.#grant(client);
    if (dice < 0.96) return this.#putWithLease(client);
    if (dice < 0.98) return this.#revoke(client);
    return this.#shortLease(client);
  }

  #key(number: number): string {
    return `${this.#name}/${String(number).padStart(2, "0")}`;
  }

  #change(lease: string): Change {
    const padding = "x".repeat(this.#random.between(0, 300));
    return {
      key: this.#key(this.#random.between(0, keysPerWorker - 1)),
      value: `${this.#name}:${this.#next++}:${padding}`,
      lease,
    };
  }

  #severalChanges(): Change[] {
    const changes = new Map<string, Change>();
    for (let count = this.#random.between(2, 5); count > 0; count--) {
      const change = this.#change("0");
      changes.set(change.key, change);
    }
    return [...changes.values()];
  }

  async #put(client: MemberClient, changes: readonly Change[]): Promise<void> {
    await this.#write({ changes }, () => client.put(changes));
    for (const change of changes) this.#keys.set(change.key, change);
  }

  async #delete(client: MemberClient): Promise<void> {
    if (this.#keys.size === 0) return;
    const key = this.#random.pick([...this.#keys.keys()]);
    await this.#write({ changes: [{ key, value: undefined, lease: "0" }] }, () => client.delete(key));
    this.#keys.delete(key);
  }

  async #write(attempt: Attempt, send: () => Promise<number>): Promise<void> {
    try {
      const revision = await send();
      this.#model.acknowledge(attempt, revision);
    } catch (error) {
      if (error instanceof NoAnswer) this.#model.leaveOpen(attempt);
      throw error;
    }
  }

  /** Only what has been checked is compacted away, so that every write of this round can be seen in history. */
  async #compact(client: MemberClient): Promise<void> {
    const low = this.#model.compactRevision + 1;
    const high = this.#model.checkedRevision;
    if (low > high || this.#random.next() > 0.1) return;
    const revision = this.#random.between(low, high);
    this.#model.compactionSent(revision);
    try {
      await client.compact(revision, { isPhysical: this.#random.next() < 0.5 });
      this.#model.compactionAcknowledged(revision);
    } catch (error) {
      // Another worker was faster with a later revision.
      if (!(error instanceof Error && error.message.includes("required revision has been compacted"))) throw error;
    }
  }

  async #grant(client: MemberClient): Promise<void> {
    const id = String(this.#random.between(1, Number.MAX_SAFE_INTEGER));
    await this.#grantLease(client, id, longTtlSeconds);
    this.#leases.push(id);
  }

  async #grantLease(client: MemberClient, id: string, ttlSeconds: number): Promise<void> {
    const sentAtMs = performance.now();
    try {
      await client.grant(id, ttlSeconds);
      this.#model.leaseGranted(id, { ttlSeconds, sentAtMs, isAcknowledged: true });
    } catch (error) {
      if (error instanceof NoAnswer) this.#model.leaseGranted(id, { ttlSeconds, sentAtMs, isAcknowledged: false });
      throw error;
    }
  }

  async #putWithLease(client: MemberClient): Promise<void> {
    if (this.#leases.length > 0) await this.#put(client, [this.#change(this.#random.pick(this.#leases))]);
  }

  async #revoke(client: MemberClient): Promise<void> {
    if (this.#leases.length === 0) return;
    const id = this.#random.pick(this.#leases);
    this.#leases = this.#leases.filter((one) => one !== id);
    const keys = [...this.#keys.values()].filter(({ lease }) => lease === id).map(({ key }) => key);
    const attempt = { changes: keys.sort().map((key) => ({ key, value: undefined, lease: "0" })) };
    try {
      if (keys.length > 0) await this.#write(attempt, () => client.revoke(id));
      else await client.revoke(id);
      this.#model.leaseRevoked(id, { isAcknowledged: true });
    } catch (error) {
      if (error instanceof NoAnswer) this.#model.leaseRevoked(id, { isAcknowledged: false });
      throw error;
    }
    for (const key of keys) this.#keys.delete(key);
  }

  /** A lease that will run out, with two keys that nobody touches again. */
  async #shortLease(client: MemberClient): Promise<void> {
    const id = String(this.#random.between(1, Number.MAX_SAFE_INTEGER));
    await this.#grantLease(client, id, shortTtlSeconds);
    const changes = ["a", "b"].map((name) => ({
      key: `${shortLivedPrefix}${id}/${name}`,
      value: `${this.#name}:${this.#next++}`,
      lease: id,
    }));
    try {
      await this.#write({ changes }, () => client.put(changes));
    } catch (error) {
      // On a slow machine it has run out already.
      if (!(error instanceof Error && error.message.includes("requested lease not found"))) throw error;
    }
  }
}
