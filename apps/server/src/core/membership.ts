import type { ClusterId, MemberId } from "@quorate/common";
import type { Member as WireMember } from "@quorate/proto";

const membersBucket = "members";
const removedBucket = "members_removed";
const clusterBucket = "cluster";
const versionKey = "clusterVersion";

const removedMark = Buffer.from("removed");

/** A member as the cluster knows it. `name` and `clientURLs` are empty until it has started and published itself. */
export type MemberRecord = Readonly<{
  id: MemberId;
  name: string;
  peerURLs: readonly string[];
  clientURLs: readonly string[];
  isLearner: boolean;
}>;

/** Where members are kept: a side table of the store. */
export interface MembershipStore {
  bucket(name: string): ReadonlyMap<string, Uint8Array>;
}

/** Writes of the entry that is being applied. */
export interface MembershipWriter {
  setBucket(bucket: string, key: string, value: Uint8Array | undefined): void;
}

/** The members of the cluster and the version they agreed on. Changes come from the log only. */
export class Membership {
  readonly cluster: ClusterId;
  readonly #members = new Map<MemberId, MemberRecord>();
  readonly #removed = new Set<MemberId>();
  #assumed: readonly MemberRecord[];
  #parting: readonly MemberId[] = [];
  #clusterVersion: string | undefined;

  /** @param assumed members as a new member was told of them, before the log does. */
  constructor(cluster: ClusterId, store: MembershipStore, assumed: readonly MemberRecord[] = []) {
    this.cluster = cluster;
    this.#assumed = assumed;
    this.reload(store);
  }

  /** Reads the members again: a snapshot has taken the place of the store. */
  reload(store: MembershipStore): void {
    this.#members.clear();
    this.#removed.clear();
    for (const value of store.bucket(membersBucket).values()) {
      const member = memberFromJson(Buffer.from(value).toString());
      this.#members.set(member.id, member);
    }
    for (const id of store.bucket(removedBucket).keys()) this.#removed.add(BigInt(`0x${id}`) as MemberId);
    const version = store.bucket(clusterBucket).get(versionKey);
    this.#clusterVersion = version === undefined ? undefined : Buffer.from(version).toString();
  }

  /** `major.minor.0`, or undefined while the members have not agreed. */
  get clusterVersion(): string | undefined {
    return this.#clusterVersion;
  }

  /** All members, ids ascending as unsigned numbers. */
  list(): readonly MemberRecord[] {
    return [...this.#members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  get(id: MemberId): MemberRecord | undefined {
    return this.#members.get(id);
  }

  /** All members as far as they are known: while the log has not told of all, with those that are assumed. */
  known(): readonly MemberRecord[] {
    const assumed = this.#assumed.filter(({ id }) => !this.#members.has(id) && !this.#removed.has(id));
    return [...this.list(), ...assumed];
  }

  /** The log has told all there is to know. */
  settle(): void {
    this.#assumed = [];
  }

  /** Members that vote. */
  voters(): readonly MemberRecord[] {
    return this.list().filter((member) => !member.isLearner);
  }

  /** True for a member that was in the cluster and is no longer: its id never comes back. */
  isRemoved(id: MemberId): boolean {
    return this.#removed.has(id);
  }

  /** Says who of the removed is still spoken with. */
  part(members: readonly MemberId[]): void {
    this.#parting = members;
  }

  /** True for a removed member that is no longer spoken with. */
  isGone(id: MemberId): boolean {
    return this.#removed.has(id) && !this.#parting.includes(id);
  }

  put(writer: MembershipWriter, member: MemberRecord): void {
    this.#members.set(member.id, member);
    writer.setBucket(membersBucket, member.id.toString(16), Buffer.from(memberToJson(member)));
  }

  remove(writer: MembershipWriter, id: MemberId): void {
    this.#members.delete(id);
    this.#removed.add(id);
    writer.setBucket(membersBucket, id.toString(16), undefined);
    writer.setBucket(removedBucket, id.toString(16), removedMark);
  }

  /** What a member tells of itself once it runs. An unknown member's words are ignored: it was removed meanwhile. */
  publish(writer: MembershipWriter, id: MemberId, attributes: { name: string; clientURLs: readonly string[] }): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.put(writer, { ...member, ...attributes });
  }

  setClusterVersion(writer: MembershipWriter, version: string): void {
    this.#clusterVersion = version;
    writer.setBucket(clusterBucket, versionKey, Buffer.from(version));
  }
}

/** The JSON in a conf change's context and in the side table. The id is written in hexadecimal, since JSON numbers cannot hold it. */
export function memberToJson(member: MemberRecord): string {
  return JSON.stringify({ ...member, id: member.id.toString(16) });
}

/** Reads what `memberToJson` wrote. */
export function memberFromJson(json: string): MemberRecord {
  const read = JSON.parse(json) as Omit<MemberRecord, "id"> & { id: string };
  return {
    id: BigInt(`0x${read.id}`) as MemberId,
    name: read.name,
    peerURLs: read.peerURLs,
    clientURLs: read.clientURLs,
    isLearner: read.isLearner,
  };
}

/** A member as clients see it. */
export function memberToWire({ id, name, peerURLs, clientURLs, isLearner }: MemberRecord): WireMember {
  return { ID: id, name, peerURLs: [...peerURLs], clientURLs: [...clientURLs], isLearner };
}
