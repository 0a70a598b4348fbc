import {
  AlarmRequest,
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmType,
  MembershippbClusterMemberAttrSetRequest as ClusterMemberAttrSetRequest,
} from "@quorate/proto";
import type { Clock, Logger, MemberId, Timer } from "@quorate/common";
import type { ConfChange, RaftNode } from "@quorate/raft";
import type { FromCore } from "./core-link.js";
import type { CoreOptions, CorePorts } from "./core-options.js";
import { EntryField } from "./entry-codec.js";
import { decodeMemberChanges, type MemberChange } from "./member-change.js";
import { MemberChanges } from "./member-changes.js";
import type { MemberState, Outcome } from "./member-state.js";
import type { PeerQuestions } from "./peer-questions.js";
import type { Proposals } from "./proposals.js";
import type { Proposer } from "./proposer.js";
import type { RequestSerial } from "./request-serial.js";
import { VersionKeeper } from "./version-keeper.js";

const retryMs = 1000;
/** A removed member goes on for so long: the others are to learn that the removal is committed. */
const farewellMs = 1000;
const handOverAfterTicks = 2;

/** What is needed of the rest of a core. */
export type ClusterParts = Readonly<{
  state: MemberState;
  raft: RaftNode;
  serial: RequestSerial;
  proposer: Proposer;
  proposals: Proposals;
  questions: PeerQuestions;
  leader(): MemberId | undefined;
  /** Waits until this member has applied what it knows to be committed, but no longer than that. */
  whenCaughtUp(timeoutMs: number, run: (isThere: boolean) => void): void;
  /** Lets somebody else lead, if this member does. */
  handOver(): void;
  emit(message: FromCore): void;
}>;

/** Tells the cluster what it must know of this member, keeps its version, raises this member's alarms, and learns when this member is no longer wanted. */
export class ClusterKeeper {
  /** Resolves when the members know this one's name and URLs and have agreed on a version. */
  readonly published: Promise<void>;
  /** Resolves when this member has been removed from the cluster, and the others have had time to learn it. */
  readonly removed: Promise<void>;
  readonly #state: MemberState;
  readonly #proposer: Proposer;
  readonly #handOver: () => void;
  readonly #leader: () => MemberId | undefined;
  readonly #options: CoreOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Changes of the members that are asked for here. */
  readonly changes: MemberChanges;
  readonly #versions: VersionKeeper;
  #resolve: (() => void) | undefined;
  #resolveRemoved: () => void = () => {};
  #hasJoined = false;
  #isAlarmProposed = false;
  #retry: Timer | undefined;
  #farewell: Timer | undefined;
  #complaint: Timer | undefined;
  #handingOver: Timer | undefined;

  constructor(
    parts: ClusterParts,
    options: CoreOptions,
    ports: Pick<CorePorts, "clock" | "logger" | "network" | "observe">,
  ) {
    this.#state = parts.state;
    this.#proposer = parts.proposer;
    this.#leader = parts.leader;
    this.#handOver = parts.handOver;
    this.#options = options;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    const isLeader = (): boolean => parts.leader() === parts.state.member;
    this.#versions = new VersionKeeper({ ...parts, isLeader }, options, ports);
    this.changes = new MemberChanges(
      {
        ...parts,
        propose: (change, serial) => parts.proposals.proposeConfChange(change, serial),
        reply: (serial, message) => parts.emit({ kind: "reply", serial, parts: [message] }),
        fail: (serial, fault) => parts.emit({ kind: "fail", serial, fault }),
      },
      options,
      ports,
    );
    this.published = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.removed = new Promise((resolve) => {
      this.#resolveRemoved = resolve;
    });
    if (this.#state.membership.isRemoved(this.#state.member)) this.#resolveRemoved();
    this.#complainLater();
  }

  /** There is a leader, and this member has applied an entry of its term. */
  joined(): void {
    this.#hasJoined = true;
    this.#publish();
  }

  /** This member leads and has applied its first entry. */
  lead(): void {
    this.#versions.look();
    this.applied();
  }

  /** Entries have been applied: looks whether what was told has arrived. */
  applied(): void {
    if (this.#isAlarmProposed && this.#state.alarms.isActive(AlarmType.NOSPACE)) this.#isAlarmProposed = false;
    this.#versions.applied();
    if (this.#resolve === undefined || !this.#hasJoined || !this.#isPublished()) return;
    if (this.#state.membership.clusterVersion === undefined) return;
    this.#logger.info("published local member to cluster through raft", {
      ...this.#attributes(),
      "cluster-id": hex(this.#state.cluster),
    });
    this.#state.membership.settle();
    this.#resolve();
    this.#resolve = undefined;
    this.#retry?.cancel();
    this.#complaint?.cancel();
  }

  /** A change of the members has been applied, or refused. @param serial of the request, when it was made here. */
  changed(change: ConfChange, outcome: Outcome, serial: number | undefined): void {
    if (outcome.kind === "done") for (const one of decodeMemberChanges(change)) this.#logChange(one);
    if (serial !== undefined) this.changes.applied(serial, outcome);
    const { membership, member } = this.#state;
    if (!membership.isRemoved(member) || this.#farewell !== undefined) return;
    this.#farewell = this.#clock.after(farewellMs, () => this.#resolveRemoved());
    // Whoever takes over has to have applied the removal: a member with a change before it does not stand for election.
    this.#handingOver = this.#clock.after(handOverAfterTicks * this.#options.tickMs, () => this.#handOver());
  }

  /** Another member says that this one was removed. */
  wasRemoved(): void {
    if (this.#farewell === undefined) this.#resolveRemoved();
  }

  /** The database of this member is as large as it may be: writes stop in the whole cluster until the alarm is taken back. */
  raiseNoSpace(): void {
    if (this.#isAlarmProposed) return;
    this.#isAlarmProposed = true;
    this.#logger.warn("message exceeded backend quota; raising alarm", {
      "quota-size-bytes": this.#options.quotaBytes,
    });
    const alarm = { action: AlarmAction.ACTIVATE, memberID: this.#state.member, alarm: AlarmType.NOSPACE };
    this.#proposer.propose(EntryField.alarm, AlarmRequest.encode(alarm));
  }

  stop(): void {
    this.#versions.stop();
    this.changes.stop();
    this.#retry?.cancel();
    this.#farewell?.cancel();
    this.#complaint?.cancel();
    this.#handingOver?.cancel();
    this.#retry = undefined;
  }

  /** Again and again, until it is known: a proposal may be lost with its leader. */
  #publish(): void {
    const mayPropose = this.#leader() !== undefined && this.#state.membership.get(this.#state.member) !== undefined;
    if (mayPropose && !this.#isPublished()) {
      const { name, clientURLs } = this.#options;
      const request = { memberID: this.#state.member, memberAttributes: { name, clientUrls: [...clientURLs] } };
      this.#proposer.propose(EntryField.clusterMemberAttrSet, ClusterMemberAttrSetRequest.encode(request));
    }
    this.#retry = this.#clock.after(retryMs, () => this.#publish());
    this.applied();
  }

  /** Says again and again that there is nobody to tell: without a quorum this member waits, and serves no client. */
  #complainLater(): void {
    const { requestTimeoutMs } = this.#options;
    this.#complaint = this.#clock.after(requestTimeoutMs, () => {
      this.#logger.warn("failed to publish local member to cluster through raft", {
        ...this.#attributes(),
        "publish-timeout": `${requestTimeoutMs / 1000}s`,
        error: "context deadline exceeded",
      });
      this.#complainLater();
    });
  }

  #attributes(): Readonly<Record<string, string>> {
    const { name, clientURLs } = this.#options;
    return {
      "local-member-id": hex(this.#state.member),
      "local-member-attributes": JSON.stringify({ name, clientURLs }),
    };
  }

  #isPublished(): boolean {
    const known = this.#state.membership.get(this.#state.member);
    const { name, clientURLs } = this.#options;
    return known?.name === name && known.clientURLs.join(",") === clientURLs.join(",");
  }

  #logChange(change: MemberChange): void {
    const local = { "cluster-id": hex(this.#state.cluster), "local-member-id": hex(this.#state.member) };
    switch (change.kind) {
      case "add":
        return this.#logger.info("added member", {
          ...local,
          "added-peer-id": hex(change.record.id),
          "added-peer-peer-urls": change.record.peerURLs,
          "added-peer-is-learner": change.record.isLearner,
        });
      case "remove":
        return this.#logger.info("removed member", { ...local, "removed-remote-peer-id": hex(change.id) });
      case "update":
        return this.#logger.info("updated member", {
          ...local,
          "updated-remote-peer-id": hex(change.record.id),
          "updated-remote-peer-urls": change.record.peerURLs,
        });
      case "promote":
        return this.#logger.info("promote member", { ...local, "promoted-member-id": hex(change.id) });
    }
  }
}

function hex(id: bigint): string {
  return id.toString(16);
}
