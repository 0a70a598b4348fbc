import { connect, type Socket } from "node:net";
import { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GrpcSession } from "../../src/api/grpc-session.js";
import { encodeMessage } from "../../src/api/message-json.js";
import { MemberProcess, productSchema } from "../../src/index.js";

const schema = productSchema();
const range = encodeMessage(schema, "etcdserverpb.RangeRequest", { key: "a" });
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

let member: MemberProcess;
let session: GrpcSession;
beforeAll(async () => {
  member = await MemberProcess.launch();
  session = new GrpcSession(`127.0.0.1:${member.clientPort}`);
});
afterAll(async () => {
  session.close();
  await member.dispose();
});

/** The member still answers a linearizable range. */
async function expectAlive(): Promise<void> {
  const answer = await session.unary("etcdserverpb.KV/Range", range, { metadata: new Metadata(), timeoutMs: 10_000 });
  expect(answer.kind).toBe("response");
  expect(member.isRunning).toBe(true);
}

function open(bytes: Uint8Array | string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(member.clientPort, "127.0.0.1", () => socket.write(bytes, () => resolve(socket)));
    socket.on("error", () => {}); // the other side may cut it off at any moment
    socket.once("error", reject);
  });
}

describe("a running member", () => {
  const garbage: [string, Uint8Array | string][] = [
    ["zeros", Buffer.alloc(10_000)],
    ["high bytes", Buffer.alloc(10_000, 255)],
    ["half a request line", "GET / HT"],
    ["the beginning of a TLS handshake", Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])],
    ["half of HTTP/2's preface", preface.slice(0, 10)],
    ["a preface and no settings", preface],
    [
      "a preface and a frame that is too long",
      Buffer.concat([Buffer.from(preface), Buffer.from([255, 255, 255, 0, 0, 0, 0, 0, 1])]),
    ],
    [
      "a preface and headers that are not HPACK",
      Buffer.concat([
        Buffer.from(preface),
        Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 1, 5, 0, 0, 0, 1, 255, 255, 255, 255]),
      ]),
    ],
  ];
  for (const [title, bytes] of garbage) {
    it(`lives through ${title}, fifty times, half of them left open`, async () => {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => open(bytes)));
      for (const [index, socket] of sockets.entries()) if (index % 2 === 0) socket.destroy();
      await expectAlive();
      for (const socket of sockets) socket.destroy();
    });
  }

  it("answers a message that is not protobuf with an error", async () => {
    for (const rpc of [
      "KV/Range",
      "KV/Put",
      "KV/Txn",
      "KV/Compact",
      "Lease/LeaseGrant",
      "Maintenance/Alarm",
      "Cluster/MemberList",
    ]) {
      const answer = await session.unary(`etcdserverpb.${rpc}`, Buffer.from([0x0a, 0xff, 0x01]), {
        metadata: new Metadata(),
        timeoutMs: 10_000,
      });
      expect(answer, rpc).toMatchObject({ kind: "error", error: { code: "Internal" } });
    }
    await expectAlive();
  });

  it("ends a stream whose message is not protobuf, and serves the others", async () => {
    const good = session.open("etcdserverpb.Watch/Watch", new Metadata());
    const bad = session.open("etcdserverpb.Watch/Watch", new Metadata());
    bad.send(Buffer.from([0x0a, 0xff, 0x01]));
    expect(await bad.next(10_000)).toMatchObject({ kind: "end", status: { code: "Internal" } });
    good.send(encodeMessage(schema, "etcdserverpb.WatchRequest", { create_request: { key: "a" } }));
    expect((await good.next(10_000)).kind).toBe("message");
    good.cancel();
    await expectAlive();
  });
});
