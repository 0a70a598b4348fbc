import {
  AlarmRequest_AlarmAction,
  AlarmType,
  DowngradeRequest_DowngradeAction,
  HealthCheckResponse_ServingStatus,
} from "@quorate/proto";
import type { CallOptions, StreamOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { ClientError } from "../client-error.js";
import { type Header, headerOf } from "../kv/header.js";
import { rpcs } from "../rpc.js";
import { readSnapshot, type SnapshotChunk } from "./snapshot.js";

/** What is wrong with a member. A number is an alarm without a name. */
export type AlarmKind = "no-space" | "corrupt" | number;

/** An alarm that is on. */
export type Alarm = { readonly memberId: bigint; readonly alarm: AlarmKind };

/** How a member is doing. */
export type MemberStatus = {
  readonly header: Header;
  readonly version: string;
  readonly storageVersion: string;
  readonly dbSizeBytes: bigint;
  readonly dbSizeInUseBytes: bigint;
  readonly dbSizeQuotaBytes: bigint;
  /** 0n: it knows no leader. */
  readonly leader: bigint;
  readonly raftIndex: bigint;
  readonly raftTerm: bigint;
  readonly raftAppliedIndex: bigint;
  readonly errors: readonly string[];
  readonly isLearner: boolean;
  readonly downgrade: { readonly isEnabled: boolean; readonly targetVersion: string };
};

/** A digest of all keys and their history up to a revision: equal on all members. */
export type KeysHash = {
  readonly header: Header;
  readonly hash: number;
  /** -1n: nothing was ever compacted. */
  readonly compactRevision: bigint;
  readonly hashRevision: bigint;
};

/** How an endpoint answers. */
export type EndpointHealth = {
  readonly endpoint: string;
  readonly isHealthy: boolean;
  readonly tookMs: number;
  /** Why not. */
  readonly error: ClientError | undefined;
};

const alarmNames = new Map<number, AlarmKind>([
  [AlarmType.NOSPACE, "no-space"],
  [AlarmType.CORRUPT, "corrupt"],
]);
const alarmNumbers = { "no-space": AlarmType.NOSPACE, corrupt: AlarmType.CORRUPT } as const;

/** Work whose length depends on the amount of data: no deadline unless one is given. */
const patient = { timeoutMs: Number.POSITIVE_INFINITY } as const;

/** Care of members. Most calls are about one member: name it with `endpoint`. */
export class Maintenance {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** @throws ClientError */
  async status(options: CallOptions = {}): Promise<MemberStatus> {
    const answer = await this.#caller.call(rpcs.status, {}, options);
    return {
      header: headerOf(answer),
      version: answer.version,
      storageVersion: answer.storageVersion,
      dbSizeBytes: answer.dbSize,
      dbSizeInUseBytes: answer.dbSizeInUse,
      dbSizeQuotaBytes: answer.dbSizeQuota,
      leader: answer.leader,
      raftIndex: answer.raftIndex,
      raftTerm: answer.raftTerm,
      raftAppliedIndex: answer.raftAppliedIndex,
      errors: answer.errors,
      isLearner: answer.isLearner,
      downgrade: {
        isEnabled: answer.downgradeInfo?.enabled ?? false,
        targetVersion: answer.downgradeInfo?.targetVersion ?? "",
      },
    };
  }

  /** Asks every endpoint for a key, as `etcdctl endpoint health` does: it takes a leader and a quorum to answer. Does not throw. */
  async health(options: Omit<CallOptions, "endpoint"> = {}): Promise<EndpointHealth[]> {
    const { clock, endpoints } = this.#caller.ports;
    const check = async (endpoint: string): Promise<EndpointHealth> => {
      const startMs = clock.nowMs();
      let error: ClientError | undefined;
      try {
        await this.#caller.call(rpcs.range, { key: new TextEncoder().encode("health") }, { ...options, endpoint });
      } catch (caught) {
        if (!(caught instanceof ClientError)) throw caught;
        // A member that refuses the user has found out so with a quorum.
        if (caught.code !== "etcd/permission-denied") error = caught;
      }
      return { endpoint, isHealthy: error === undefined, tookMs: clock.nowMs() - startMs, error };
    };
    return Promise.all(endpoints.urls().map(check));
  }

  /** What gRPC's health service says: whether the member wants calls. @throws ClientError */
  async isServing(options: CallOptions = {}): Promise<boolean> {
    const answer = await this.#caller.call(rpcs.healthCheck, {}, options);
    return answer.status === HealthCheckResponse_ServingStatus.SERVING;
  }

  /** Forgets history below `revision`. @param options `isPhysical`: waits until the space is free. @throws ClientError */
  async compact(revision: bigint, options: CallOptions & { readonly isPhysical?: boolean } = {}): Promise<Header> {
    const physical = options.isPhysical ?? false;
    const whole = physical ? { ...patient, ...options } : options;
    return headerOf(await this.#caller.call(rpcs.compact, { revision, physical }, whole));
  }

  /** @throws ClientError */
  async alarms(options: CallOptions = {}): Promise<Alarm[]> {
    return alarmsOf(await this.#caller.call(rpcs.alarmList, { action: AlarmRequest_AlarmAction.GET }, options));
  }

  /** Ends one alarm, or all that are on. @returns those that were ended. @throws ClientError */
  async disarm(alarm?: Alarm, options: CallOptions = {}): Promise<Alarm[]> {
    const ended: Alarm[] = [];
    for (const { memberId, alarm: kind } of alarm === undefined ? await this.alarms(options) : [alarm]) {
      const request = {
        action: AlarmRequest_AlarmAction.DEACTIVATE,
        memberID: memberId,
        alarm: typeof kind === "number" ? kind : alarmNumbers[kind],
      };
      ended.push(...alarmsOf(await this.#caller.call(rpcs.alarm, request, { retryWrites: "always", ...options })));
    }
    return ended;
  }

  /** Gives unused space back to the file system. @throws ClientError */
  async defragment(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.defragment, {}, { ...patient, ...options });
  }

  /** A digest of the member's whole file, for tests. @throws ClientError */
  async hash(options: CallOptions = {}): Promise<{ readonly header: Header; readonly hash: number }> {
    const answer = await this.#caller.call(rpcs.hash, {}, { ...patient, ...options });
    return { header: headerOf(answer), hash: answer.hash };
  }

  /** @param revision 0n: the latest. @throws ClientError */
  async hashKv(revision = 0n, options: CallOptions = {}): Promise<KeysHash> {
    const answer = await this.#caller.call(rpcs.hashKv, { revision }, { ...patient, ...options });
    const { hash, compactRevision, hashRevision } = answer;
    return { header: headerOf(answer), hash, compactRevision, hashRevision };
  }

  /** The member's database, to be written to a file piece by piece. @throws ClientError "client/snapshot-damaged" */
  snapshot(options: StreamOptions = {}): AsyncGenerator<SnapshotChunk, void, undefined> {
    return readSnapshot(this.#caller, options);
  }

  /** Asks the leader to let another lead. @throws ClientError "etcd/not-leader" when another member was asked. */
  async moveLeader(target: bigint, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.moveLeader, { targetID: target }, options);
  }

  /** @returns the cluster's version. @throws ClientError */
  async downgrade(
    action: "validate" | "enable" | "cancel",
    version: string,
    options: CallOptions = {},
  ): Promise<{ readonly header: Header; readonly version: string }> {
    const number = {
      validate: DowngradeRequest_DowngradeAction.VALIDATE,
      enable: DowngradeRequest_DowngradeAction.ENABLE,
      cancel: DowngradeRequest_DowngradeAction.CANCEL,
    }[action];
    const answer = await this.#caller.call(rpcs.downgrade, { action: number, version }, options);
    return { header: headerOf(answer), version: answer.version };
  }
}

function alarmsOf(answer: { alarms: { memberID: bigint; alarm: number }[] }): Alarm[] {
  return answer.alarms.map(({ memberID, alarm }) => ({ memberId: memberID, alarm: alarmNames.get(alarm) ?? alarm }));
}
