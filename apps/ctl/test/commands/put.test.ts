import { PutRequest, PutResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeSettings, runFake } from "../fake-world.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const header = { clusterId: 2n ** 64n - 1n, memberId: 88969047746376948n, revision: 7n, raftTerm: 2n };
const before = {
  key: bytes("foo"),
  createRevision: 2n,
  modRevision: 6n,
  version: 5n,
  value: Uint8Array.of(0xff, 0x0a),
  lease: 7587870152021180417n,
};
const member: FakeSettings = {
  answers: {
    "/etcdserverpb.KV/Put": (request) =>
      PutResponse.encode({ header, prevKv: PutRequest.decode(request).prevKv ? before : undefined }),
  },
};

function sent(run: { requests: readonly { message: Uint8Array }[] }): PutRequest {
  return PutRequest.decode(run.requests[0]?.message ?? new Uint8Array());
}

describe("put", () => {
  it("prints OK, and the previous pair as the bytes it has", async () => {
    const run = await runFake(["put", "foo", "bar", "--prev-kv"], member);
    expect(run.exitCode).toBe(0);
    expect(run.stdoutBytes).toEqual(
      Buffer.concat([Buffer.from("OK\nfoo\n"), Buffer.of(0xff, 0x0a), Buffer.from("\n")]),
    );
  });

  it("prints 64-bit numbers exactly as JSON numbers", async () => {
    const run = await runFake(["put", "foo", "bar", "--prev-kv", "-wjson"], member);
    expect(run.stdout).toBe(
      '{"header":{"cluster_id":18446744073709551615,"member_id":88969047746376948,"revision":7,"raft_term":2},' +
        '"prev_kv":{"key":"Zm9v","create_revision":2,"mod_revision":6,"version":5,"value":"/wo=","lease":7587870152021180417}}\n',
    );
  });

  it("prints fields with Go's quotes", async () => {
    const run = await runFake(["put", "foo", "bar", "--prev-kv", "-w", "fields"], member);
    expect(run.stdout).toContain('"PrevKey" : "foo"\n');
    expect(run.stdout).toContain('"PrevValue" : "\\xff\\n"\n"PrevLease" : 7587870152021180417\n');
  });

  it("prints the encoded answer", async () => {
    const run = await runFake(["put", "foo", "bar", "-w", "protobuf"], member);
    expect(PutResponse.decode(run.stdoutBytes).header).toEqual(header);
  });

  it("has no table", async () => {
    const run = await runFake(["put", "foo", "bar", "-w", "table"], member);
    expect(run).toMatchObject({ exitCode: 4, stdout: "", stderr: "Error: table not supported as output format\n" });
    expect(run.requests).toHaveLength(1);
  });

  it("reads a missing value from standard input", async () => {
    const run = await runFake(["put", "foo"], { ...member, stdin: Uint8Array.of(0, 255) });
    expect(sent(run).value).toEqual(Uint8Array.of(0, 255));
  });

  it("takes bytes that are not UTF-8 as arguments", async () => {
    const run = await runFake(["put", "a\udcffb", "\udc80"], member);
    expect(sent(run)).toMatchObject({ key: Uint8Array.of(97, 255, 98), value: Uint8Array.of(128) });
  });

  const refused: [string[], number, string][] = [
    [[], 128, "put command needs 1 argument and input from stdin or 2 arguments"],
    [["a"], 128, "put command needs 1 argument and input from stdin or 2 arguments"],
    [["a", "b", "--ignore-value"], 128, "put command needs only 1 argument when 'ignore-value' is set"],
    [
      ["a", "b", "--lease=zz"],
      128,
      'bad lease ID (strconv.ParseInt: parsing "zz": invalid syntax), expecting ID in Hex',
    ],
    [["a", "b", "-w", "xml"], 4, "unsupported output format"],
  ];
  for (const [args, exitCode, message] of refused) {
    it(`refuses ${JSON.stringify(args)} before anything is sent`, async () => {
      const run = await runFake(["put", ...args], member);
      expect(run).toMatchObject({ exitCode, stdout: "", stderr: `Error: ${message}\n`, requests: [] });
    });
  }
});
