import {
  AlarmRequest,
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmType,
  MembershippbClusterMemberAttrSetRequest as ClusterMemberAttrSetRequest,
  MembershippbClusterVersionSetRequest as ClusterVersionSetRequest,
} from "@quorate/proto";
import type { Clock, Logger, Timer } from "@quorate/common";
import type { CoreOptions } from "./core-options.js";
import { EntryField } from "./entry-codec.js";
import type { MemberState } from "./member-state.js";
import type { Proposer } from "./proposer.js";

const retryMs = 1000;

/** Tells the cluster what it must know of this member, agrees on its version, and raises this member's alarms. */
export class ClusterKeeper {
  /** Resolves when the members know this one's name and URLs and have agreed on a version. */
  readonly published: Promise<void>;
  readonly #state: MemberState;
  readonly #proposer: Proposer;
  readonly #options: CoreOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #resolve: (() => void) | undefined;
  #isLeading = false;
  #isAlarmProposed = false;
  #retry: Timer | undefined;

  constructor(
    parts: { state: MemberState; proposer: Proposer },
    options: CoreOptions,
    ports: { clock: Clock; logger: Logger },
  ) {
    this.#state = parts.state;
    this.#proposer = parts.proposer;
    this.#options = options;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.published = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** This member leads and has applied its first entry. */
  lead(): void {
    this.#isLeading = true;
    this.#propose();
  }

  /** Entries have been applied: looks whether what was told has arrived. */
  applied(): void {
    if (this.#isAlarmProposed && this.#state.alarms.isActive(AlarmType.NOSPACE)) this.#isAlarmProposed = false;
    if (this.#resolve === undefined || !this.#isLeading || !this.#isPublished() || !this.#hasVersion()) return;
    this.#logger.info("published local member to cluster through raft", {
      "local-member-id": this.#state.member.toString(16),
      "local-member-attributes": JSON.stringify({ name: this.#options.name, clientURLs: this.#options.clientURLs }),
      "cluster-id": this.#state.cluster.toString(16),
    });
    this.#resolve();
    this.#resolve = undefined;
    this.stop();
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
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  #propose(): void {
    if (!this.#isPublished()) {
      const { name, clientURLs } = this.#options;
      const request = { memberID: this.#state.member, memberAttributes: { name, clientUrls: [...clientURLs] } };
      this.#proposer.propose(EntryField.clusterMemberAttrSet, ClusterMemberAttrSetRequest.encode(request));
    }
    if (!this.#hasVersion()) {
      this.#logger.info("setting up initial cluster version using v3 API", {
        "cluster-version": this.#options.clusterVersion,
      });
      const request = { ver: this.#options.clusterVersion };
      this.#proposer.propose(EntryField.clusterVersionSet, ClusterVersionSetRequest.encode(request));
    }
    this.#retry = this.#clock.after(retryMs, () => this.#propose());
    this.applied();
  }

  #isPublished(): boolean {
    const known = this.#state.membership.get(this.#state.member);
    const { name, clientURLs } = this.#options;
    return known?.name === name && known.clientURLs.join(",") === clientURLs.join(",");
  }

  #hasVersion(): boolean {
    return this.#state.membership.clusterVersion !== undefined;
  }
}
