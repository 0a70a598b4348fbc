import { type AddressInfo, createServer, connect, type Server, type Socket } from "node:net";
import {
  type Clock,
  type ClusterId,
  type Logger,
  type LogFields,
  type MemberId,
  type Meter,
  type PeerReceiver,
  silentMeter,
} from "@quorate/common";
import { afterEach } from "vitest";
import {
  createListener,
  createPeerNetwork,
  type GrpcPeerNetwork,
  GrpcServices,
  type ListenerOptions,
  type PeerNetworkOptions,
  peerListenerLimits,
} from "../../src/index.js";
import { realPorts } from "../support/ports.js";

const cleanups: (() => unknown)[] = [];

/** Runs at the end of the test, last first. */
export function atEnd(run: () => unknown): void {
  cleanups.push(run);
}

afterEach(async () => {
  for (const run of cleanups.splice(0).reverse()) await run();
});

/** A member of a test, with what came to it. */
export interface TestPeer {
  readonly id: MemberId;
  readonly port: number;
  readonly url: string;
  readonly network: GrpcPeerNetwork;
  /** `from:text` of each message. */
  readonly messages: string[];
  readonly lost: MemberId[];
  readonly lines: { level: string; message: string; fields: LogFields | undefined }[];
  readonly receiver: PeerReceiver;
  /** Stops the listener and the network. */
  stop(): Promise<void>;
}

export const cluster = 0xc1n as ClusterId;
export const version = { server: "3.7.1", minCluster: "3.0.0" };

/** A logger that keeps its lines. */
export function collectLines(lines: TestPeer["lines"]): Logger {
  const at = (level: string) => (message: string, fields?: LogFields) => void lines.push({ level, message, fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), fatal: at("fatal") };
}

/** Starts a member on a port of its own (or `port`). */
export async function startPeer(
  id: number,
  options: Partial<PeerNetworkOptions> & {
    port?: number;
    receiver?: Partial<PeerReceiver>;
    listener?: ListenerOptions;
    scheme?: string;
    clock?: Clock;
    meter?: Meter;
    host?: string;
  } = {},
): Promise<TestPeer> {
  const {
    port: wantedPort = 0,
    receiver: changed,
    listener: listenerOptions,
    scheme = "http",
    clock,
    meter = silentMeter,
    host = "127.0.0.1",
    ...rest
  } = options;
  const lines: TestPeer["lines"] = [];
  const messages: string[] = [];
  const lost: MemberId[] = [];
  const ports = { ...realPorts(), logger: collectLines(lines), meter };
  const self = BigInt(id) as MemberId;
  const limits = { reconnectMinMs: 10, reconnectMaxMs: 50, refusedMs: 100, ...rest.limits };
  const network = createPeerNetwork(
    { self, cluster, version, ...rest, limits },
    { ...ports, clock: clock ?? ports.clock },
  );
  const receiver: PeerReceiver = {
    message: (from, frame) => void messages.push(`${from}:${Buffer.from(frame).toString()}`),
    linkLost: (member) => void lost.push(member),
    snapshot: () => undefined,
    answer: (from, question) => Promise.resolve(Buffer.from(`${from} asked ${Buffer.from(question).toString()}`)),
    ...changed,
  };
  network.receive(receiver);
  const services = new GrpcServices();
  network.register(services);
  const listener = createListener({ services, limits: peerListenerLimits, ...listenerOptions }, ports);
  const { port } = await listener.listen({ host, port: wantedPort });
  const stop = async (): Promise<void> => {
    await network.stop();
    await listener.stop({ graceMs: 0 });
  };
  atEnd(stop);
  return { id: self, port, url: `${scheme}://${host}:${port}`, network, messages, lost, lines, receiver, stop };
}

/** Tells each of them of all the others. */
export function introduce(...peers: readonly TestPeer[]): void {
  for (const peer of peers) {
    const others = peers.filter((other) => other !== peer);
    peer.network.setPeers(others.map((other) => ({ member: other.id, urls: [other.url] })));
  }
}

/** Waits until it is so, however long that takes; the test's own time limit ends it. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

export async function untilLinked(from: TestPeer, to: TestPeer): Promise<void> {
  await until(() => from.network.status(to.id)?.isConnected === true);
}

/** A relay in front of a port, which can fail in many ways. */
export interface Relay {
  readonly port: number;
  readonly url: string;
  /** Connections taken so far. */
  readonly taken: number;
  /** Takes no more bytes from connections to the server that have carried so many. */
  stallAfter(bytes: number): void;
  /** Takes no bytes from either side any more, and says nothing. */
  stall(): void;
  resume(): void;
  /** Cuts what is open. */
  cut(): void;
  /** Changes what goes to the server. */
  corrupt(change: ((bytes: Buffer) => Buffer) | undefined): void;
  close(): Promise<void>;
}

export async function startRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isStalled = false;
  let change: ((bytes: Buffer) => Buffer) | undefined;
  let taken = 0;
  let mostBytes = Number.POSITIVE_INFINITY;
  const carry = (from: Socket, to: Socket, toServer: boolean): void => {
    sockets.add(from);
    let carried = 0;
    if (isStalled) from.pause();
    from.on("data", (bytes: Buffer) => {
      carried += bytes.length;
      if (toServer && carried > mostBytes) from.pause();
      if (!to.write(toServer && change !== undefined ? change(bytes) : bytes)) from.pause();
    });
    to.on("drain", () => {
      if (!isStalled && !(toServer && carried > mostBytes)) from.resume();
    });
    from.on("error", () => {});
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server: Server = createServer((socket) => {
    taken++;
    const onward = connect(target, "127.0.0.1");
    carry(socket, onward, true);
    carry(onward, socket, false);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const close = (): Promise<void> => {
    cut();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  atEnd(close);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get taken() {
      return taken;
    },
    stallAfter(bytes) {
      mostBytes = bytes;
    },
    stall() {
      isStalled = true;
      for (const socket of sockets) socket.pause();
    },
    resume() {
      isStalled = false;
      mostBytes = Number.POSITIVE_INFINITY;
      for (const socket of sockets) socket.resume();
    },
    cut,
    corrupt: (next) => {
      change = next;
    },
    close,
  };
}
