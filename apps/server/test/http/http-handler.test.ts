import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createClientHandler, createMetricsHandler, type HttpOptions } from "../../src/http/http-handler.js";
import { ask, buildPorts, FakeMember } from "./fake-member.js";

const open: HttpOptions = { isGatewayOn: true, isPprofOn: true, corsOrigins: ["*"], hostWhitelist: ["*"] };

function build(options: Partial<HttpOptions> = {}) {
  const member = new FakeMember();
  const ports = buildPorts(member);
  return { member, ports, handler: createClientHandler({ ...open, ...options }, ports) };
}

describe("createClientHandler", () => {
  it("says which versions are not decided yet", async () => {
    const { member, handler } = build();
    member.clusterVersion = undefined;
    const answer = await ask(handler, { target: "/version" });
    expect(await answer.text()).toBe('{"etcdserver":"3.7.1","etcdcluster":"not_decided","storage":"unknown"}');
  });

  it("knows no path of the gateway while there is none", async () => {
    const answer = await ask(build().handler, { method: "POST", target: "/v3beta/kv/range" });
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      404,
      "application/json",
      '{"code":5,"message":"Not Found"}',
    ]);
  });

  it("hands paths under /v3/ to the gateway, escapes untouched", async () => {
    const { ports } = build();
    const handler = createClientHandler(open, { ...ports, gateway: (_, info) => new Response(info.target) });
    expect(await (await ask(handler, { method: "POST", target: "/v3/kv%2Frange" })).text()).toBe("/v3/kv%2Frange");
  });

  const redirects: readonly (readonly [string, string])[] = [
    ["/v3", "/v3/"],
    ["/v3/../version?x=1", "/version?x=1"],
    ["/a//b/./c/", "/a/b/c/"],
    ["/..", "/"],
    ["/debug/pprof", "/debug/pprof/"],
    ["/a/<b>//", "/a/<b>/"],
  ];
  for (const [target, location] of redirects) {
    it(`sends ${target} to ${location}`, async () => {
      const answer = await ask(build().handler, { target });
      expect([answer.status, answer.headers.get("location")]).toEqual([307, location]);
      expect(await answer.text()).not.toContain("<b>");
    });
  }

  it("sends no page along when it redirects a POST", async () => {
    const answer = await ask(build().handler, { method: "POST", target: "//version" });
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([307, null, ""]);
  });

  it("does not take an escaped slash for one", async () => {
    expect((await ask(build().handler, { target: "/livez%2Fserializable_read" })).status).toBe(404);
    expect((await ask(build().handler, { target: "/livez/%73erializable_read" })).status).toBe(200);
  });

  it("refuses escapes that are none, and hosts that are none", async () => {
    expect((await ask(build().handler, { target: "/%zz" })).status).toBe(400);
    const answer = await ask(build().handler, { target: "/version", host: "x@localhost" });
    expect([answer.status, await answer.text()]).toEqual([400, "400 Bad Request: malformed Host header"]);
  });

  it("looks at the host of an absolute target in place of the header", async () => {
    const { handler } = build({ hostWhitelist: ["localhost"] });
    expect((await ask(handler, { target: "http://localhost:1/version", host: "evil" })).status).toBe(200);
    expect((await ask(handler, { target: "http://evil/version", host: "localhost" })).status).toBe(421);
    expect((await ask(handler, { target: "/version", host: undefined })).status).toBe(421);
  });

  it("answers methods that Fetch does not know", async () => {
    expect((await ask(build().handler, { method: "TRACE", target: "/version" })).status).toBe(405);
    expect((await ask(build().handler, { method: "BREW", target: "/nosuch" })).status).toBe(404);
  });

  it("has the paths of Go's profiles only when they are asked for", async () => {
    const { handler } = build({ isPprofOn: false });
    expect((await ask(handler, { target: "/debug/pprof/" })).status).toBe(404);
    expect((await ask(handler, { target: "/debug/pprof" })).status).toBe(404);
  });

  it("answers with profiles that Node's tools read", async () => {
    const { handler } = build();
    const time = (await (await ask(handler, { target: "/debug/pprof/profile?seconds=1" })).json()) as Record<
      string,
      unknown
    >;
    expect(Object.keys(time)).toEqual(expect.arrayContaining(["nodes", "startTime", "endTime", "samples"]));
    const memory = (await (await ask(handler, { target: "/debug/pprof/heap" })).json()) as Record<string, unknown>;
    expect(Object.keys(memory)).toContain("head");
    const kinds = await (await ask(handler, { target: "/debug/pprof/goroutine" })).json();
    expect(kinds).toEqual({ Timeout: 2, TCPSocketWrap: 1 });
  });

  it("takes one profile at a time", async () => {
    const { ports } = build();
    let finish = (): void => {};
    const wait = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    const handler = createClientHandler(open, { ...ports, wait });
    const first = ask(handler, { target: "/debug/pprof/heap" });
    const second = await ask(handler, { target: "/debug/pprof/profile" });
    expect([second.status, await second.text()]).toEqual([500, "another profile is being taken\n"]);
    while ((await Promise.race([first, new Promise((resolve) => setImmediate(resolve, "waits"))])) === "waits")
      finish();
    expect((await first).status).toBe(200);
  });
});

describe("health", () => {
  it("names what is wrong, alarms first", async () => {
    const { member, handler, ports } = build();
    const health = async (query = "") => (await ask(handler, { target: `/health${query}` })).text();
    member.readError = "etcdserver: request timed out";
    expect(await health()).toBe('{"health":"false","reason":"RANGE ERROR:etcdserver: request timed out"}\n');
    member.leads = false;
    expect(await health()).toBe('{"health":"false","reason":"RAFT NO LEADER"}\n');
    expect(await health("?serializable=true")).toContain("RANGE ERROR");
    member.active.add("CORRUPT");
    expect(await health()).toContain("ALARM CORRUPT");
    expect(ports.metrics.etcd.etcd_server_health_failures.value).toBe(4);
  });

  it("counts what the probes find", async () => {
    const { member, handler, ports } = build();
    await ask(handler, { target: "/readyz" });
    member.learns = true;
    const answer = await ask(handler, { target: "/readyz?exclude=linearizable_read" });
    expect([answer.status, await answer.text()]).toEqual([
      503,
      "[+]data_corruption ok\n[+]serializable_read ok\n[-]non_learner failed: not supported for learner\n\n",
    ]);
    const text = await ports.metrics.expose();
    expect(text).toContain('etcd_server_healthcheck{name="non_learner",type="readyz"} 0\n');
    expect(text).toContain('etcd_server_healthchecks_total{name="non_learner",status="error",type="readyz"} 1\n');
    expect(text).toContain(
      'etcd_server_healthchecks_total{name="linearizable_read",status="success",type="readyz"} 1\n',
    );
  });
});

describe("metrics", () => {
  it("are compressed for clients that take that", async () => {
    const handler = createMetricsHandler(buildPorts(new FakeMember()));
    const answer = await ask(handler, { target: "/metrics", headers: { "accept-encoding": "br, gzip;q=0.5" } });
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(await answer.arrayBuffer()).toString()).toContain("# TYPE etcd_server_has_leader gauge\n");
    const plain = await ask(handler, { target: "/metrics", headers: { "accept-encoding": "gzip;q=0" } });
    expect(plain.headers.get("content-encoding")).toBeNull();
  });

  it("hold our own families when they are asked for", async () => {
    const { handler, ports } = build();
    ports.metrics.own("quorate_test", { type: "counter", help: "Test.", labels: [] });
    expect(await (await ask(handler, { target: "/metrics" })).text()).not.toContain("quorate_test");
    expect(await (await ask(handler, { target: "/metrics?quorate" })).text()).toContain("quorate_test 0\n");
  });

  it("stand beside health alone on their own port", async () => {
    const handler = createMetricsHandler(buildPorts(new FakeMember()));
    expect((await ask(handler, { target: "/version" })).status).toBe(404);
    expect((await ask(handler, { target: "/livez/serializable_read?verbose" })).status).toBe(200);
    expect((await ask(handler, { target: "/health", host: "evil.example" })).status).toBe(200);
  });
});
