import { AuthenticateResponse, RangeResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeRun, type FakeSettings, runFake } from "../fake-world.js";
import { pem } from "../fake-server.js";

const authenticate = "/etcdserverpb.Auth/Authenticate";
const range = "/etcdserverpb.KV/Range";
const answers: NonNullable<FakeSettings["answers"]> = {
  [range]: () => RangeResponse.encode({}),
  [authenticate]: () => AuthenticateResponse.encode({ token: "t" }),
};
const files = {
  "ca.pem": pem("ca.crt"),
  "cert.pem": pem("client.crt"),
  "key.pem": pem("client.key"),
  "odd.pem": new TextEncoder().encode("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
  empty: new Uint8Array(),
};
const get = (...flags: string[]): Promise<FakeRun> => runFake(["get", "a", ...flags], { answers, files });
const paths = (run: FakeRun) => run.requests.map((request) => request.path);

describe("TLS flags", () => {
  const settings: [string, object | undefined][] = [
    ["", undefined],
    ["--insecure-transport=false", {}],
    ["--insecure-skip-tls-verify", { insecureSkipVerify: true }],
    ["--cacert=ca.pem", { ca: files["ca.pem"] }],
    ["--cert=cert.pem --key=key.pem", { cert: files["cert.pem"], key: files["key.pem"] }],
  ];
  for (const [flags, tls] of settings) {
    it(`"${flags}" are used`, async () => {
      const run = await get(...flags.split(" ").filter(Boolean));
      expect(run.connections[0]?.options.tls).toEqual(tls);
    });
  }

  const refused: [string, string][] = [
    ["--cert=", "empty string is passed to --cert option"],
    ["--key=", "empty string is passed to --key option"],
    ["--cacert=", "empty string is passed to --cacert option"],
    ["--cacert=none", "open none: no such file or directory"],
    ["--cacert=key.pem", "x509: malformed tbs certificate"],
    ["--cacert=odd.pem", "x509: malformed tbs certificate"],
    ["--cert=cert.pem", "KeyFile and CertFile must both be present[key: , cert: cert.pem]"],
    ["--key=key.pem", "KeyFile and CertFile must both be present[key: key.pem, cert: ]"],
    ["--cert=none --key=none", "open none: no such file or directory"],
    ["--cert=empty --key=key.pem", "tls: failed to find any PEM data in certificate input: empty"],
    ["--cert=cert.pem --key=empty", "tls: failed to find any PEM data in key input: empty"],
  ];
  for (const [flags, message] of refused) {
    it(`"${flags}" are refused`, async () => {
      const run = await get(...flags.split(" "));
      expect(run).toMatchObject({ exitCode: 128, stdout: "", stderr: `Error: ${message}\n`, requests: [] });
    });
  }
});

describe("a login", () => {
  it("is made with --user, whose password may stand apart or be asked for", async () => {
    for (const flags of [["--user=ann:p:w"], ["--user=ann", "--password=p:w"]]) {
      expect(paths(await get(...flags))).toEqual([authenticate, range]);
    }
    const asked = await runFake(["get", "a", "--user=ann"], { answers, passwords: ["p:w"] });
    expect(Buffer.from(asked.requests[0]?.message ?? []).toString()).toBe("\n\u0003ann\u0012\u0003p:w");
  });

  it("is none without a name or a password", async () => {
    for (const flags of [["--user=ann:"], ["--user=:pw"], ["--password=pw"], ["--user="]]) {
      expect(paths(await get(...flags))).toEqual([range]);
    }
  });

  it("is not needed with a token", async () => {
    expect(paths(await get("--auth-jwt-token=t", "--user=ann:pw"))).toEqual([range]);
  });

  it("that is refused, or not answered, ends with exit code 2", async () => {
    const message = "etcdserver: authentication failed, invalid user ID or password";
    const wrong = { ...answers, [authenticate]: () => ({ status: 3, message, wasSent: true }) };
    const run = await runFake(["get", "a", "--user=ann:pw"], { answers: wrong });
    expect(run).toMatchObject({ exitCode: 2, stderr: `Error: ${message}\n` });
    const away = { ...answers, [authenticate]: () => ({ status: 14, message: "nobody there", wasSent: false }) };
    const late = await runFake(["get", "a", "--user=ann:pw", "--command-timeout=100ms"], { answers: away });
    expect(late).toMatchObject({ exitCode: 2, stderr: "Error: context deadline exceeded\n" });
  });

  it("is not needed where members do without", async () => {
    const off = { status: 9, message: "etcdserver: authentication is not enabled", wasSent: true };
    const run = await runFake(["get", "a", "--user=ann:pw"], { answers: { ...answers, [authenticate]: () => off } });
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
  });
});

describe("limits", () => {
  it("of messages and times come from the flags", async () => {
    const run = await get("--max-request-bytes=7", "--max-recv-bytes=8", "--dial-timeout=9s", "--keepalive-time=20s");
    expect(run.connections[0]?.options).toMatchObject({
      requestBytesMax: 7,
      answerBytesMax: 8,
      connectTimeoutMs: 9_000,
      pings: { everyMs: 20_000, timeoutMs: 6_000 },
    });
  });

  it("have defaults where the flags say nothing, and ask members for signs of life no oftener than they allow", async () => {
    const run = await get("--max-recv-bytes=-1", "--dial-timeout=-1s", "--keepalive-time=1s");
    expect(run.connections[0]?.options).toMatchObject({
      requestBytesMax: 2_097_152,
      answerBytesMax: 2_147_483_647,
      connectTimeoutMs: 20_000,
      pings: { everyMs: 10_000, timeoutMs: 6_000 },
    });
  });

  it("of time: none is none", async () => {
    const run = await get("--command-timeout=0s");
    expect(run).toMatchObject({ exitCode: 1, stderr: "Error: context deadline exceeded\n", requests: [] });
  });
});

describe("endpoints", () => {
  it("that are none are mentioned, and the others asked", async () => {
    const run = await get("--endpoints=ftp://a:1,http://b:2/path,c:3");
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
    expect(run.connections.map(({ endpoint }) => endpoint.url)).toEqual(["c:3"]);
    expect(run.log.map((line) => line.target)).toEqual(["ftp://a:1", "http://b:2/path"]);
    expect(run.log[0]?.error).toContain('the scheme "ftp" is not one of http, https, unix, unixs');
  });

  it("are needed", async () => {
    expect(await get("--endpoints=ftp://a:1")).toMatchObject({
      exitCode: 1,
      stderr: "Error: context deadline exceeded\n",
    });
    const none = { exitCode: 2, stderr: "Error: etcdclient: no available endpoints\n" };
    expect(await get("--endpoints=")).toMatchObject(none);
  });

  it("may be looked up", async () => {
    const services = {
      "_etcd-client-ssl-x._tcp.example.com": [{ host: "a", port: 1 }],
      "_etcd-client-x._tcp.example.com": [{ host: "b", port: 2 }],
    };
    const find = (...flags: string[]) =>
      runFake(["get", "a", "-d", "example.com", "--discovery-srv-name=x", ...flags], { answers, services });
    const urls = (run: FakeRun) => run.connections.map(({ endpoint }) => endpoint.url);
    expect(urls(await find())).toEqual(["https://a:1", "http://b:2"]);
    expect(urls(await find("--insecure-discovery=false"))).toEqual(["https://a:1"]);
    const run = await runFake(["get", "a", "-d", "example.com"], { answers });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("error querying DNS SRV records for _etcd-client._tcp.example.com");
  });
});
