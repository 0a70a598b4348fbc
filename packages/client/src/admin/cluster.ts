import type { Member } from "@quorate/proto";
import type { CallOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { type Header, headerOf } from "../kv/header.js";
import { rpcs } from "../rpc.js";

/** A member of the cluster. */
export type ClusterMember = {
  readonly id: bigint;
  /** Empty until the member has started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** Empty until the member has started. */
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
};

/** Members as they are after the call. */
export type Membership = { readonly header: Header; readonly members: readonly ClusterMember[] };

/** Who belongs to the cluster. */
export class Cluster {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** @param options `serializable`: what the asked member knows, without the leader. @throws ClientError */
  async members(options: CallOptions & { readonly serializable?: boolean } = {}): Promise<Membership> {
    const linearizable = options.serializable !== true;
    return membershipOf(await this.#caller.call(rpcs.memberList, { linearizable }, options));
  }

  /** @throws ClientError */
  async add(
    peerUrls: readonly string[],
    options: CallOptions & { readonly isLearner?: boolean } = {},
  ): Promise<Membership & { readonly member: ClusterMember }> {
    const request = { peerURLs: [...peerUrls], isLearner: options.isLearner ?? false };
    const answer = await this.#caller.call(rpcs.memberAdd, request, options);
    return { ...membershipOf(answer), member: memberOf(answer.member ?? emptyMember) };
  }

  /** @throws ClientError "etcd/member-not-found" */
  async remove(id: bigint, options: CallOptions = {}): Promise<Membership> {
    return membershipOf(await this.#caller.call(rpcs.memberRemove, { ID: id }, options));
  }

  /** @throws ClientError */
  async update(id: bigint, peerUrls: readonly string[], options: CallOptions = {}): Promise<Membership> {
    return membershipOf(await this.#caller.call(rpcs.memberUpdate, { ID: id, peerURLs: [...peerUrls] }, options));
  }

  /** Makes a learner a voter. @throws ClientError "etcd/learner-not-ready" */
  async promote(id: bigint, options: CallOptions = {}): Promise<Membership> {
    return membershipOf(await this.#caller.call(rpcs.memberPromote, { ID: id }, options));
  }
}

const emptyMember: Member = { ID: 0n, name: "", peerURLs: [], clientURLs: [], isLearner: false };

function membershipOf(answer: { header: Parameters<typeof headerOf>[0]["header"]; members: Member[] }): Membership {
  return { header: headerOf(answer), members: answer.members.map(memberOf) };
}

function memberOf(member: Member): ClusterMember {
  return {
    id: member.ID,
    name: member.name,
    peerUrls: member.peerURLs,
    clientUrls: member.clientURLs,
    isLearner: member.isLearner,
  };
}
