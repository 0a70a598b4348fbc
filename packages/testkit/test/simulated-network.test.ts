import { type MemberId, PeerError, type PeerNetwork, type SnapshotSource } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { calmNetwork, type NetworkFaults, SimulatedClock, SimulatedNetwork, SimulatedRandom } from "../src/index.js";

const [a, b] = [1n, 2n] as [MemberId, MemberId];

type World = {
  clock: SimulatedClock;
  network: SimulatedNetwork;
  /** Of the first member. */
  port: PeerNetwork;
  /** First bytes of the frames that the second member got. */
  got: number[];
  /** Links whose loss the first member heard of. */
  lost: MemberId[];
  /** Bytes of a snapshot that the second member has, and how often it was begun, finished and broken off. */
  sink: { bytes: number[]; begun: number; finished: number; aborted: number };
};

/** Two members: the first asks and sends, the second answers with what it was asked, or fails when that is nothing. */
function build(faults: NetworkFaults = calmNetwork): World {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(faults, { clock, random: new SimulatedRandom(3) });
  const got: number[] = [];
  const lost: MemberId[] = [];
  const sink = { bytes: [] as number[], begun: 0, finished: 0, aborted: 0 };
  const port = network.join(a);
  port.setPeers([{ member: b, urls: [] }]);
  port.receive({
    message: () => {},
    linkLost: (member) => lost.push(member),
    snapshot: () => undefined,
    answer: (_, question) => Promise.resolve(question),
  });
  network.join(b).receive({
    message: (_, frame) => got.push(frame[0] as number),
    linkLost: () => {},
    snapshot: (_, header) => {
      if (header.length === 0) return undefined;
      sink.begun += 1;
      return {
        receivedBytes: sink.bytes.length,
        write: async (chunk) => void sink.bytes.push(...chunk),
        finish: async () => void sink.finished++,
        abort: () => void sink.aborted++,
      };
    },
    answer: async (_, question) => {
      if (question.length === 0) throw new Error("nothing asked");
      return question;
    },
  });
  return { clock, network, port, got, lost, sink };
}

/** Ten bytes, two at a time. */
function buildSnapshot(header = [1]): SnapshotSource & { closed: number } {
  return {
    header: new Uint8Array(header),
    sizeBytes: 10,
    closed: 0,
    async *chunks(fromByte) {
      for (let byte = fromByte; byte < 10; byte += 2) yield new Uint8Array([byte, byte + 1]);
    },
    close() {
      this.closed += 1;
    },
  };
}

describe("SimulatedNetwork", () => {
  it("carries frames", async () => {
    const { clock, port, got } = build();
    expect(port.send(b, [new Uint8Array([7]), new Uint8Array([8])])).toBe(true);
    expect(got).toEqual([]);
    await clock.advance(1);
    expect(got).toEqual([7]);
  });

  it("drops, repeats and reorders", async () => {
    const { clock, port, got } = build({ dropChance: 0.2, repeatChance: 0.2, delayMsMin: 1, delayMsMax: 50 });
    for (let turn = 0; turn < 100; turn++) port.send(b, [new Uint8Array([turn])]);
    await clock.advance(50);
    const different = new Set(got).size;
    expect(different).toBeLessThan(100);
    expect(got.length).toBeGreaterThan(different);
    expect(got).not.toEqual([...got].sort((x, y) => x - y));
  });

  it("loses frames between partitions, into a cut and to members that left, also those on the way", async () => {
    const { clock, network, port, got } = build();
    port.send(b, [new Uint8Array([1])]);
    network.partition([[a]]);
    await clock.advance(5);
    network.heal();
    network.cut(a, b);
    port.send(b, [new Uint8Array([2])]);
    await clock.advance(5);
    network.heal();
    port.send(b, [new Uint8Array([3])]);
    await clock.advance(5);
    network.leave(b);
    port.send(b, [new Uint8Array([4])]);
    await clock.advance(5);
    expect(got).toEqual([3]);
    expect(network.counts).toEqual({ sent: 4, delivered: 1, snapshots: 0 });
  });

  it("speaks to the peers that were named, and to nobody else", async () => {
    const { clock, port, got } = build();
    port.setPeers([]);
    expect(port.send(b, [new Uint8Array([7])])).toBe(false);
    await expect(port.ask(b, new Uint8Array([1]), { timeoutMs: 10 })).rejects.toThrow(PeerError);
    expect(port.status(b)).toBeUndefined();
    port.setPeers([{ member: b, urls: [] }]);
    expect(port.status(b)?.isConnected).toBe(true);
    await clock.advance(5);
    expect(got).toEqual([]);
  });

  it("answers those who have spoken to it, named or not", async () => {
    const { clock, network, port } = build();
    const other = network.join(b);
    const heard: number[] = [];
    const silent = { linkLost: () => {}, snapshot: () => undefined, answer: () => Promise.reject(new Error("no")) };
    port.receive({ ...silent, message: (_, frame) => heard.push(frame[0] as number) });
    expect(other.send(a, [new Uint8Array([1])])).toBe(false);
    port.send(b, [new Uint8Array([2])]);
    await clock.advance(2);
    expect(other.send(a, [new Uint8Array([3])])).toBe(true);
    await clock.advance(2);
    expect(heard).toEqual([3]);
  });

  it("tells of a member that is gone", async () => {
    const { clock, network, lost } = build();
    network.leave(b);
    await clock.advance(5);
    expect(lost).toEqual([b]);
  });

  it("tells of links that are lost, once", async () => {
    const { clock, network, lost } = build();
    network.partition([[a], [b]]);
    await clock.advance(5);
    network.partition([[b]]);
    await clock.advance(5);
    expect(lost).toEqual([b]);
    network.heal();
    network.cut(b, a);
    network.cut(a, b);
    network.cut(a, b);
    await clock.advance(5);
    expect(lost).toEqual([b, b]);
  });

  it("holds frames up for a long time", async () => {
    const { clock, port, got } = build({ ...calmNetwork, lateChance: 0.5, lateMs: 1000 });
    for (let turn = 0; turn < 50; turn++) port.send(b, [new Uint8Array([turn])]);
    await clock.advance(1);
    expect(got.length).toBeLessThan(40);
    await clock.advance(1000);
    expect(new Set(got).size).toBe(50);
  });

  it("carries a question and its answer, or says why not", async () => {
    const { clock, network, port } = build();
    const outcomes: string[] = [];
    const ask = async (question: number[], timeoutMs: number): Promise<void> => {
      const asked = port.ask(b, new Uint8Array(question), { timeoutMs });
      asked.then(
        (answer) => outcomes.push(`answer ${answer}`),
        (error: unknown) => outcomes.push((error as PeerError).fault.code),
      );
      await clock.advance(20);
    };
    await ask([5], 10);
    await ask([], 10);
    await ask([5], 1);
    network.cut(a, b);
    await ask([5], 10);
    network.heal();
    network.cut(b, a);
    await ask([5], 10);
    expect(outcomes).toEqual(["answer 5", "peer/refused", "peer/timeout", "peer/unreachable", "peer/timeout"]);
  });

  it("carries a snapshot, and goes on where a broken stream ended", async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const { clock, network, port, sink } = build({ ...calmNetwork, breakChance: 0.15 });
      for (let draw = 0; draw < seed; draw++) port.send(b, []);
      const snapshot = buildSnapshot();
      const told: boolean[] = [];
      port.sendSnapshot(b, snapshot, (isDelivered) => told.push(isDelivered));
      await clock.advance(100);
      expect([told.length, snapshot.closed, sink.begun]).toEqual([1, 1, sink.finished + sink.aborted]);
      if (told[0] === true) expect(sink.bytes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(network.counts.snapshots).toBe(told[0] === true ? 1 : 0);
      outcomes.add(`${told[0]} ${sink.begun}`);
    }
    expect([...outcomes].sort()).toEqual(["false 3", "true 1", "true 2", "true 3"]);
  });

  it("says when a snapshot is refused, or nobody is there", async () => {
    const { clock, network, port } = build();
    const told: boolean[] = [];
    const snapshots = [buildSnapshot([]), buildSnapshot(), buildSnapshot()];
    port.sendSnapshot(b, snapshots[0] as SnapshotSource, (isDelivered) => told.push(isDelivered));
    await clock.advance(100);
    network.leave(b);
    port.sendSnapshot(b, snapshots[1] as SnapshotSource, (isDelivered) => told.push(isDelivered));
    await clock.advance(100);
    port.setPeers([]);
    port.sendSnapshot(b, snapshots[2] as SnapshotSource, (isDelivered) => told.push(isDelivered));
    expect(told.length).toBe(2);
    await clock.advance(100);
    expect([told, snapshots.map(({ closed }) => closed)]).toEqual([
      [false, false, false],
      [1, 1, 1],
    ]);
  });
});
