import { AlarmResponse, MemberListResponse, RangeResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeSettings, runFake } from "../../fake-world.js";
import { answers, header } from "../../golden-member.js";

const refused = { status: 3, message: "etcdserver: user name is empty", wasSent: true };
const denied = { status: 7, message: "etcdserver: permission denied", wasSent: true };
const healthy = {
  "/etcdserverpb.KV/Range": () => RangeResponse.encode({ header }),
  "/etcdserverpb.Maintenance/Alarm": () => AlarmResponse.encode({ header }),
};
const against = (own: NonNullable<FakeSettings["answers"]>): FakeSettings => ({ answers: { ...answers, ...own } });

describe("endpoint health", () => {
  it("takes a member that refuses the user for healthy", async () => {
    const run = await runFake(["endpoint", "health"], against({ ...healthy, "/etcdserverpb.KV/Range": () => denied }));
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/^127\.0\.0\.1:2379 is healthy: successfully committed proposal: took = /);
  });

  it("tells of each endpoint and fails when one is not healthy", async () => {
    const settings = against({
      ...healthy,
      "/etcdserverpb.KV/Range": (_request, { url }) => (url === "b:2" ? refused : healthy["/etcdserverpb.KV/Range"]()),
    });
    const run = await runFake(["--endpoints=a:1,b:2", "endpoint", "health"], settings);
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(/^a:1 is healthy: .*\n$/);
    expect(run.stderr).toBe(
      "b:2 is unhealthy: failed to commit proposal: etcdserver: user name is empty\nError: unhealthy cluster\n",
    );
  });

  it("does not trust a member whose alarms it cannot see", async () => {
    const run = await runFake(
      ["endpoint", "health"],
      against({ ...healthy, "/etcdserverpb.Maintenance/Alarm": () => refused }),
    );
    expect(run.stderr).toContain("failed to commit proposal: Unable to fetch the alarm list\n");
  });
});

describe("endpoints one by one", () => {
  const half = against({
    "/etcdserverpb.Maintenance/Status": (request, endpoint) =>
      endpoint.url === "b:2" ? refused : (answers["/etcdserverpb.Maintenance/Status"]?.(request, endpoint) ?? refused),
    "/etcdserverpb.Maintenance/HashKV": () => refused,
  });

  it("prints the status of those that answer, and ends with 1 without another word", async () => {
    const run = await runFake(["--endpoints=a:1,b:2", "endpoint", "status"], half);
    expect(run).toMatchObject({
      exitCode: 1,
      stderr: "Failed to get the status of endpoint b:2 (etcdserver: user name is empty)\n",
    });
    expect(run.stdout).toMatch(/^a:1, 8e9e05c52164694d, 3\.7\.1, .*\n$/);
  });

  it("prints null when no hash can be had", async () => {
    const run = await runFake(["endpoint", "hashkv", "-w", "json"], half);
    expect(run).toMatchObject({ exitCode: 1, stdout: "null\n" });
  });

  it("asks all that the members have published with --cluster", async () => {
    const run = await runFake(["--endpoints=a:1", "endpoint", "hashkv", "--cluster"], { answers });
    const asked = run.requests.map(({ path, endpoint }) => `${path.split("/")[2]} ${endpoint}`);
    expect(asked).toEqual(["MemberList a:1", "HashKV http://127.0.0.1:2379", "HashKV http://localhost:2379"]);
  });

  it("says when the list of members cannot be had, and when it is of no use", async () => {
    const none = { "/etcdserverpb.Cluster/MemberList": () => MemberListResponse.encode({ header }) };
    const lost = { "/etcdserverpb.Cluster/MemberList": () => refused };
    const stderr = async (own: NonNullable<FakeSettings["answers"]>) =>
      (await runFake(["endpoint", "status", "--cluster"], against(own))).stderr;
    expect(await stderr(none)).toBe("Error: no member has published where it listens for clients\n");
    expect(await stderr(lost)).toBe(
      "Error: failed to fetch endpoints from etcd cluster member list: etcdserver: user name is empty\n",
    );
  });
});
