import type { MemberId } from "@quorate/common";
import { decodeMessage, encodeMessage } from "../../src/codec/message-codec.js";
import { type ConfChange, emptyConfState, isMember, type MemberChange, membersOf } from "../../src/conf-change.js";
import type { Envelope } from "../../src/message.js";
import type { RaftInput } from "../../src/raft-input.js";
import { ClusterChecks } from "./cluster-checks.js";
import { Dice } from "./dice.js";
import { SimMember, type SimWorld } from "./sim-member.js";

type Parcel = Readonly<{ from: MemberId; to: MemberId; bytes: Uint8Array }>;

/** How bad the world is: chances per message (drop, repeat), per step (crash, partition, campaign) and per rare input (confChange). */
export type Trouble = Readonly<{
  drop: number;
  repeat: number;
  crash: number;
  partition: number;
  campaign: number;
  confChange: number;
}>;

const parcelsMax = 400;
const electionTicks = 5;

/** A cluster in one process. The seed decides its shape, its options, its faults and the order of everything. */
export class SimCluster {
  readonly checks = new ClusterChecks();
  readonly members: readonly SimMember[];
  readonly #dice: Dice;
  readonly #trouble: Trouble;
  #parcels: Parcel[] = [];
  /** `from>to`: what is sent this way gets lost, the other way may not. */
  readonly #cut = new Set<string>();
  #proposals = 0;

  constructor(seed: number, trouble: Trouble) {
    this.#dice = new Dice(seed);
    this.#trouble = trouble;
    const dice = this.#dice;
    const count = dice.pick([3, 5]);
    const spare = trouble.confChange > 0 ? 2 : 0;
    const ids = Array.from({ length: count + spare }, (_, i) => BigInt(i + 1) as MemberId);
    const world: SimWorld = {
      dice,
      checks: this.checks,
      send: (envelope) => this.#send(envelope),
      options: {
        electionTicks,
        isPreVoteOn: dice.chance(0.5),
        isCheckQuorumOn: dice.chance(0.5),
        isStepDownOnRemovalOn: dice.chance(0.5),
        messageBytesMax: dice.pick([0, 60, 10_000]),
        inflightMessagesMax: dice.pick([1, 3, 100]),
        applyingBytesMax: dice.pick([1, 100, 10_000]),
        uncommittedBytesMax: dice.pick([50, 10_000]),
      },
    };
    const confState = { ...emptyConfState, voters: ids.slice(0, count) };
    this.members = ids.map((id, i) => new SimMember(id, i < count ? confState : emptyConfState, world));
  }

  get #up(): readonly SimMember[] {
    return this.members.filter((member) => member.isUp);
  }

  #send({ from, to, message }: Envelope): void {
    const { drop, repeat } = this.#trouble;
    if (this.#cut.has(`${from}>${to}`) || this.#dice.chance(drop)) return;
    const parcel = { from, to, bytes: encodeMessage(message) };
    this.#parcels.push(parcel);
    if (this.#dice.chance(repeat)) this.#parcels.push(parcel);
    if (this.#parcels.length > parcelsMax) this.#parcels.splice(this.#dice.integer(0, parcelsMax), 1);
  }

  #deliver(at: number): void {
    const [parcel] = this.#parcels.splice(at, 1);
    const member = this.members.find(({ id }) => id === parcel?.to);
    if (parcel === undefined || member === undefined || !member.isUp) return;
    member.node.step({ kind: "message", from: parcel.from, message: decodeMessage(parcel.bytes) });
  }

  /** One random thing happens. */
  step(): void {
    const dice = this.#dice;
    if (dice.chance(this.#trouble.crash)) this.#crashOrRestart();
    else if (dice.chance(this.#trouble.partition)) this.#changePartition();
    const up = this.#up;
    if (up.length === 0) return;
    const member = dice.pick(up);
    if (dice.chance(this.#trouble.campaign)) member.node.step({ kind: "campaign" });
    const choice = dice.fraction();
    // Mostly in order, now and then not: a network that reorders everything never gets a log going.
    if (choice < 0.4) this.#deliver(dice.chance(0.8) ? 0 : dice.integer(0, this.#parcels.length));
    else if (choice < 0.6) member.turn();
    else if (choice < 0.75) member.sync();
    else if (choice < 0.87) member.node.step({ kind: "tick" });
    else if (choice < 0.93) this.#propose(member);
    else if (choice < 0.97) member.read();
    else this.#rarely(member);
  }

  #propose({ node }: SimMember): void {
    const data = new TextEncoder().encode(`proposal ${++this.#proposals}`);
    if (this.#dice.chance(0.8)) node.step({ kind: "propose", data });
    else node.step({ kind: "propose-batch", proposals: [{ data }, { data }, { data }] });
  }

  #rarely(member: SimMember): void {
    const dice = this.#dice;
    const peer = dice.pick(this.members).id;
    if (dice.chance(this.#trouble.confChange)) {
      member.node.step({ kind: "propose-conf-change", change: this.#randomConfChange() });
      return;
    }
    const inputs: readonly RaftInput[] = [
      { kind: "transfer", to: peer },
      { kind: "forget-leader" },
      { kind: "campaign" },
      { kind: "unreachable", peer },
      { kind: "snapshot-status", peer, isDelivered: dice.chance(0.5) },
    ];
    if (dice.chance(0.5)) member.compact(dice.integer(0, 4));
    else member.node.step(dice.pick(inputs));
  }

  #randomConfChange(): ConfChange {
    const dice = this.#dice;
    const context = new Uint8Array(0);
    const change = (): MemberChange => ({
      kind: dice.pick(["add-voter", "add-voter", "add-learner", "remove"]),
      member: dice.pick(this.members).id,
    });
    if (dice.chance(0.4)) return { version: 1, change: change(), context };
    const transition = dice.pick(["auto", "auto", "implicit", "explicit"] as const);
    return { version: 2, transition, changes: Array.from({ length: dice.integer(0, 3) }, change), context };
  }

  #crashOrRestart(): void {
    const down = this.members.filter((member) => !member.isUp);
    if (down.length > 0 && this.#dice.chance(0.8)) this.#dice.pick(down).start();
    else if (this.#up.length > 0) this.#dice.pick(this.#up).crash();
  }

  #changePartition(): void {
    if (this.#dice.chance(0.4)) {
      this.#cut.clear();
      return;
    }
    const [a, b] = [this.#dice.pick(this.members).id, this.#dice.pick(this.members).id];
    this.#cut.add(`${a}>${b}`);
    if (this.#dice.chance(0.5)) this.#cut.add(`${b}>${a}`);
  }

  checkLogs(): void {
    this.checks.logsMatch(this.#up.map((member) => member.log));
  }

  /**
   * Everything works again.
   * @returns the leader that all members of its configuration follow in the end, with equal state; undefined if there is none.
   */
  heal(): SimMember | undefined {
    this.#cut.clear();
    for (const member of this.members) if (!member.isUp) member.start();
    for (let round = 0; round < 400; round++) {
      for (const member of this.members) this.#tickInPeace(member);
      this.#settle();
      const leader = this.#agreedLeader();
      if (leader !== undefined) return leader;
      // Leaving a joint configuration that was put off by a transfer waits for the next entry that is applied.
      if (round % 20 === 19) for (const member of this.members) if (member.node.isLeader) this.#propose(member);
    }
    return undefined;
  }

  /** A driver says what became of a snapshot: all are through by now, or were lost long ago. */
  #tickInPeace(member: SimMember): void {
    const { node, id } = member;
    // A host whose member was removed or demoted hands over what it still leads.
    const [heir] = node.confState.voters;
    if (node.isLeader && heir !== undefined && !node.confState.voters.includes(id)) {
      node.step({ kind: "transfer", to: heir });
    }
    for (const { member: peer, state } of node.status().progress) {
      if (state === "snapshot") node.step({ kind: "snapshot-status", peer, isDelivered: false });
    }
    node.step({ kind: "tick" });
  }

  /** Everything is delivered and written, without loss. */
  #settle(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const member of this.members) {
        while (member.turn()) isBusy = true;
        while (member.unsynced > 0) member.sync();
      }
      const parcels = this.#parcels.splice(0);
      if (parcels.length > 0) isBusy = true;
      for (const parcel of parcels) {
        this.#parcels.unshift(parcel);
        this.#deliver(0);
      }
    }
  }

  #agreedLeader(): SimMember | undefined {
    const leaders = this.members.filter(({ node, id }) => node.isLeader && node.hasMember(id));
    return leaders.find((leader) => {
      const { confState, commit, lastIndex } = leader.node.status();
      if (confState.votersOutgoing.length > 0 && confState.autoLeave) return false;
      const followers = this.members.filter(({ id }) => isMember(confState, id));
      return (
        commit === lastIndex &&
        followers.length === membersOf(confState).length &&
        followers.every(({ node, applied }) => node.leader === leader.id && applied === commit)
      );
    });
  }

  /** A proposal of a healthy cluster gets through, if not at once (a transfer may be under way) then soon. */
  proposeAndSettle(leader: SimMember): void {
    const before = leader.applied;
    for (let i = 0; i < 4 * electionTicks && leader.applied === before; i++) {
      this.#propose(leader);
      this.#settle();
      for (const member of this.members) this.#tickInPeace(member);
      this.#settle();
    }
    if (leader.applied === before) throw new Error(`a proposal does not get through: ${this.describe()}`);
  }

  describe(): string {
    return this.members
      .map(({ node, applied, isUp }) => {
        const { id, role, term, leader, commit, lastIndex, confState } = node.status();
        return `${id}: ${isUp ? role : "down"} term ${term} leader ${leader} commit ${commit} applied ${applied} last ${lastIndex} voters ${confState.voters}|${confState.votersOutgoing} learners ${confState.learners}`;
      })
      .join("\n");
  }
}
