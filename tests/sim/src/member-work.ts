import type { MemberId } from "@quorate/common";
import {
  type Member as WireMember,
  MemberAddRequest,
  MemberAddResponse,
  MemberPromoteRequest,
  MemberRemoveRequest,
} from "@quorate/proto";
import type { MemberRecord } from "@quorate/server";
import type { SimWorld } from "./sim-world.js";

const service = "/etcdserverpb.Cluster/";
/** Machines that one run may have at a time. */
const machinesMax = 6;
/** A cluster is not made smaller than this. */
const votersMin = 3;

/** Changes of the members, as an operator makes them. */
export class MemberWork {
  readonly #world: SimWorld;
  #added = 0;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  /** Takes a new member in, and starts its machine when the cluster has said yes. */
  add(at: MemberId, isLearner: boolean): void {
    if (this.#world.cluster.members.length >= machinesMax) return;
    this.#added += 1;
    const peerURLs = [`http://10.0.1.${this.#added}:2380`];
    this.#world.note(`adds a ${isLearner ? "learner" : "voter"} ${peerURLs}`);
    this.#world.unary(at, `${service}MemberAdd`, MemberAddRequest.encode({ peerURLs, isLearner }), (end) => {
      if (!("message" in end)) return;
      const { member, members } = MemberAddResponse.decode(end.message);
      if (member === undefined || this.#world.isThere(member.ID as MemberId)) return;
      this.#world.note(`added ${member.ID}`);
      this.#world.join(member.ID as MemberId, members.map(recordOf));
    });
  }

  /** Promotes the first learner that the member asked knows of. */
  promote(at: MemberId): void {
    const learner = this.#known(at).find(({ isLearner }) => isLearner);
    if (learner === undefined) return;
    this.#world.note(`promotes ${learner.id}`);
    this.#world.unary(at, `${service}MemberPromote`, MemberPromoteRequest.encode({ ID: learner.id }), () => {});
  }

  /** Removes a member, but leaves a cluster that survives the loss of one. */
  remove(at: MemberId, pick: number): void {
    const known = this.#known(at);
    const chosen = known[pick % Math.max(1, known.length)];
    const voters = known.filter(({ isLearner }) => !isLearner).length;
    if (chosen === undefined || (!chosen.isLearner && voters <= votersMin)) return;
    this.#world.note(`removes ${chosen.id}`);
    this.#world.unary(at, `${service}MemberRemove`, MemberRemoveRequest.encode({ ID: chosen.id }), () => {});
  }

  #known(at: MemberId): readonly MemberRecord[] {
    return this.#world.cluster.find(at)?.member.state.membership.list() ?? [];
  }
}

function recordOf({ ID, name, peerURLs, clientURLs, isLearner }: WireMember): MemberRecord {
  return { id: ID as MemberId, name, peerURLs, clientURLs, isLearner };
}
