import type { ClusterId, MemberId } from "@quorate/common";
import { Lessor } from "@quorate/lease";
import { WatchHub } from "@quorate/mvcc";
import type { GrpcServices } from "@quorate/transport";
import { AlarmTable } from "./core/alarm-table.js";
import { MemberCore } from "./core/core.js";
import type { FromCore } from "./core/core-link.js";
import type { MemberState } from "./core/member-state.js";
import { Membership } from "./core/membership.js";
import { loadLessor } from "./core/reload-state.js";
import { HeaderWriter } from "./core/reply-writer.js";
import { RequestSerial } from "./core/request-serial.js";
import { Tracing } from "./core/tracing.js";
import type { Watch } from "./core/watch-streams.js";
import { registerAbsent } from "./front/absent-services.js";
import { registerCluster } from "./front/cluster-service.js";
import { Front } from "./front/front.js";
import { HealthService } from "./front/health-service.js";
import { registerKv } from "./front/kv-service.js";
import { registerLease } from "./front/lease-service.js";
import { registerMaintenance } from "./front/maintenance-service.js";
import { registerWatch } from "./front/watch-service.js";
import { applyBacklogMax, grpcOverheadBytes, type MemberOptions, type MemberPorts } from "./member-options.js";
import { recoverMember, type RecoveredMember } from "./recover.js";

/** Bytes of history that watchers are given in one piece. A single larger revision is given whole. */
const historyBytesMax = 8_388_608;

/** A running member without its ports: log, database, core and one front. */
export type Member = Readonly<{
  id: MemberId;
  cluster: ClusterId;
  state: MemberState;
  core: MemberCore;
  front: Front;
  hub: WatchHub<Watch>;
  /** Resolves when clients may be served. */
  ready: Promise<void>;
  /** Registers the services that clients call. */
  register(services: GrpcServices): void;
  /** Ends all streams and says on the health service that calls are not taken any more. Unary calls go on. */
  endStreams(): void;
  /** Lets another voter lead, if this member does. To be called first when a member is to stop; takes no longer than a request may. */
  handOver(): Promise<void>;
  /** Answers what waits, writes down what a restart should not forget, and closes all files. */
  stop(): Promise<void>;
}>;

/**
 * Opens a member's log and database, and starts it.
 * @throws WalError, MvccError, RecoverError.
 */
export async function openMember(options: MemberOptions, ports: MemberPorts): Promise<Member> {
  const tracing = new Tracing(ports.tracer);
  const recovered = await recoverMember(options, { ...ports, storeTracer: tracing.storeTracer() });
  const { member, cluster } = recovered.identity;
  const state = stateOf(options, recovered);
  const serial = new RequestSerial(member, ports.clock.wallMs());
  const hub = new WatchHub<Watch>(recovered.mvcc, { bytesMax: historyBytesMax });
  let receive: (message: FromCore) => void = () => {};
  const network = ports.network ?? ports.connect?.({ member, cluster });
  const core = new MemberCore(
    { ...recovered, state, hub, serial },
    { ...options, fragmentBytes: options.requestBytesMax + grpcOverheadBytes },
    { ...ports, network, tracing },
    (message) => receive(message),
  );
  const front = new Front({ options: { ...options, applyBacklogMax }, link: core, serial }, ports);
  receive = (message) => front.receive(message);
  const health = new HealthService();
  core.start();
  return {
    id: member,
    cluster,
    state,
    core,
    front,
    hub,
    ready: core.ready,
    register: (services) => {
      registerKv(services, front);
      registerWatch(services, front);
      registerLease(services, front);
      registerMaintenance(services, front);
      registerCluster(services, front);
      health.register(services);
      registerAbsent(services);
    },
    endStreams: () => {
      health.stop();
      front.endStreams();
    },
    handOver: () => core.handOver(),
    stop: async () => {
      await core.stop();
      front.stop();
      await recovered.mvcc.close();
      await recovered.wal.close();
    },
  };
}

function stateOf(options: MemberOptions, recovered: RecoveredMember): MemberState {
  const { mvcc, identity } = recovered;
  const minTtlSeconds = Math.ceil((options.tickMs * Math.floor((3 * options.electionTicks) / 2)) / 1000);
  const lessor = new Lessor({ minTtlSeconds, retryMs: options.requestTimeoutMs });
  loadLessor(lessor, mvcc);
  return {
    ...identity,
    mvcc,
    lessor,
    alarms: new AlarmTable(mvcc),
    membership: new Membership(identity.cluster, mvcc, options.knownMembers),
    headers: new HeaderWriter(identity.cluster, identity.member),
  };
}
