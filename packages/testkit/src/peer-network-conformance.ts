import type { MemberId, PeerNetwork, PeerReceiver, SnapshotSink, SnapshotSource } from "@quorate/common";
import { describe, expect, it } from "vitest";

/** What the suite runs on: a network on which nothing goes wrong. */
export type PeerNetworksUnderTest = Readonly<{
  /** Of members 1 and 2. Each has named the other as its peer, and is connected. */
  networks: readonly [PeerNetwork, PeerNetwork];
  /** Lets time pass until it is so. */
  until: (isSo: () => boolean) => Promise<void>;
}>;

const [one, two, nobody] = [1n, 2n, 99n] as [MemberId, MemberId, MemberId];
const header = new Uint8Array([7, 7]);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

/** A receiver that keeps what comes. */
function collect(changes: Partial<PeerReceiver> = {}): PeerReceiver & { readonly messages: string[] } {
  const messages: string[] = [];
  return {
    messages,
    message: (from, frame) => void messages.push(`${from} ${text(frame)}`),
    linkLost: () => {},
    snapshot: () => undefined,
    answer: (from, question) => Promise.resolve(bytes(`${from} asked ${text(question)}`)),
    ...changes,
  };
}

/** What happened to a snapshot that was sent, in order. */
type Course = { readonly events: string[]; readonly source: SnapshotSource };

function snapshotOf(contents: Uint8Array): Course {
  const events: string[] = [];
  const source: SnapshotSource = {
    header,
    sizeBytes: contents.length,
    async *chunks(fromByte) {
      events.push(`read from ${fromByte}`);
      for (let at = fromByte; at < contents.length; at += 100) yield contents.slice(at, at + 100);
    },
    close: () => void events.push("closed"),
  };
  return { events, source };
}

function sinkOf(course: Course, received: Uint8Array[], receivedBytes: number): SnapshotSink {
  return {
    receivedBytes,
    write: async (chunk) => void received.push(chunk),
    finish: async () => void course.events.push("finished"),
    abort: () => void course.events.push("aborted"),
  };
}

type Make = () => Promise<PeerNetworksUnderTest>;

/** What every `PeerNetwork` does, the real and the simulated one. `make` is called for each test. */
export function peerNetworkConformance(name: string, make: Make): void {
  describe(`PeerNetwork, ${name}`, () => {
    carriesMessages(make);
    carriesSnapshots(make);
  });
}

function carriesMessages(make: Make): void {
  describe("messages and questions", () => {
    it("carries messages in their order, whole, and says who sent them", async () => {
      const { networks, until } = await make();
      const receivers = [collect(), collect()] as const;
      for (const place of [0, 1] as const) networks[place].receive(receivers[place]);
      for (let count = 0; count < 50; count++) {
        expect(networks[0].send(two, [bytes("m"), new Uint8Array(0), bytes(String(count))])).toBe(true);
      }
      expect(networks[1].send(one, [bytes("back")], "urgent")).toBe(true);
      expect(receivers[1].messages).toEqual([]); // never within the call
      await until(() => receivers[1].messages.length === 50 && receivers[0].messages.length === 1);
      expect(receivers[1].messages).toEqual(Array.from({ length: 50 }, (_, count) => `1 m${count}`));
      expect(receivers[0].messages).toEqual(["2 back"]);
    });

    it("knows its peers, and speaks to nobody else", async () => {
      const { networks } = await make();
      const [network] = networks;
      expect(network.status(two)?.isConnected).toBe(true);
      expect([network.status(nobody), network.send(nobody, [bytes("x")])]).toEqual([undefined, false]);
      network.setPeers([]);
      expect(network.status(two)).toBeUndefined();
    });

    it("carries questions and answers, and says why there is none", async () => {
      const { networks, until } = await make();
      networks[1].receive(
        collect({
          answer: (from, question) => {
            if (text(question) === "no") return Promise.reject(new Error("not here"));
            if (text(question) === "wait") return new Promise(() => {});
            return Promise.resolve(bytes(`${from} asked ${text(question)}`));
          },
        }),
      );
      const outcomes = new Map<string, unknown>();
      for (const question of ["why", "no", "wait"]) {
        const asked = networks[0].ask(two, bytes(question), { timeoutMs: question === "wait" ? 30 : 60_000 });
        asked.then(
          (answer) => outcomes.set(question, text(answer)),
          (error: { fault: unknown }) => outcomes.set(question, error.fault),
        );
      }
      networks[0].ask(nobody, bytes("?"), { timeoutMs: 1000 }).catch((error) => outcomes.set("nobody", error.fault));
      await until(() => outcomes.size === 4);
      expect(outcomes.get("why")).toBe("1 asked why");
      expect(outcomes.get("no")).toMatchObject({ code: "peer/refused", member: two, reason: "not here" });
      expect(outcomes.get("wait")).toMatchObject({ code: "peer/timeout", member: two });
      expect(outcomes.get("nobody")).toMatchObject({ code: "peer/unknown", member: nobody });
    });
  });
}

function carriesSnapshots(make: Make): void {
  describe("snapshots", () => {
    for (const [title, receivedBytes] of [
      ["from its start", 0],
      ["from what the receiver has", 250],
    ] as const) {
      it(`carries a snapshot ${title}`, async () => {
        const { networks, until } = await make();
        const contents = new Uint8Array(1000).map((_, place) => place & 255);
        const course = snapshotOf(contents);
        const received = [contents.slice(0, receivedBytes)];
        networks[1].receive(
          collect({
            snapshot: (from, given, sizeBytes) => {
              expect([from, [...given], sizeBytes]).toEqual([one, [...header], 1000]);
              return sinkOf(course, received, receivedBytes);
            },
          }),
        );
        let isDelivered: boolean | undefined;
        networks[0].sendSnapshot(two, course.source, (outcome) => {
          expect(isDelivered).toBeUndefined(); // once
          isDelivered = outcome;
        });
        expect(isDelivered).toBeUndefined();
        await until(() => isDelivered !== undefined);
        expect(isDelivered).toBe(true);
        expect(course.events).toEqual([`read from ${receivedBytes}`, "finished", "closed"]);
        expect(received.flatMap((chunk) => [...chunk])).toEqual([...contents]);
      });
    }

    it("tells when a snapshot is not wanted, or there is nobody to send it to", async () => {
      const { networks, until } = await make();
      networks[1].receive(collect());
      const outcomes: (readonly [MemberId, boolean, number])[] = [];
      for (const to of [two, nobody]) {
        const course = snapshotOf(new Uint8Array(10));
        networks[0].sendSnapshot(to, course.source, (isDelivered) => {
          outcomes.push([to, isDelivered, course.events.filter((event) => event === "closed").length]);
        });
      }
      expect(outcomes).toEqual([]);
      await until(() => outcomes.length === 2);
      expect([...outcomes].sort()).toEqual([
        [two, false, 1],
        [nobody, false, 1],
      ]);
    });
  });
}
