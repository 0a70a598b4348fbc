import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/read-config.js";
import { foundCluster } from "../../src/process/found-cluster.js";

async function found(argv: readonly string[], hosts: Readonly<Record<string, string>> = {}) {
  const runtime = { version: "v24", platform: "linux", architecture: "x64" };
  const result = readConfig({ argv, environment: {}, readFile: () => new Uint8Array(), runtime });
  if (result.kind === "exit") throw new Error(JSON.stringify(result));
  const founding = await foundCluster(result.config, async (host) => {
    const address = hosts[host];
    if (address === undefined) throw new Error(`lookup ${host}: no such host`);
    return address;
  });
  return founding.kind === "founding"
    ? founding.identity
    : founding.lines.map(({ message, fields }) => `${message}: ${fields?.error}`);
}

const advertise = "--initial-advertise-peer-urls=http://127.0.0.1:2380";

describe("foundCluster", () => {
  it("gives a member of default settings the ids it has in etcd", async () => {
    expect(await found([])).toMatchObject({ member: 0x8e9e05c52164694dn, cluster: 0xcdf818194e3a8c32n });
  });

  it("misses the own name", async () => {
    const error = `couldn't find local name "e" in the initial cluster configuration`;
    expect(await found(["--name=e", "--initial-cluster=d=http://127.0.0.1:2380", advertise])).toEqual([
      `bootstrap failed: ${error}`,
      `discovery failed: ${error}`,
    ]);
  });

  it("says what is no URL", async () => {
    expect(await found(["--initial-cluster=default=x"])).toEqual([
      "discovery failed: error setting up initial cluster: URL scheme must be http, https, unix, or unixs: x",
    ]);
  });

  it("compares addresses where names differ", async () => {
    const cluster = "--initial-cluster=default=http://here:2380";
    expect(await found([cluster, advertise], { here: "127.0.0.1", "127.0.0.1": "127.0.0.1" })).toMatchObject({
      members: [{ peerUrls: ["http://here:2380"] }],
    });
    expect(await found([cluster, advertise], { here: "10.0.0.1", "127.0.0.1": "127.0.0.1" })).toContain(
      'bootstrap failed: --initial-cluster has default=http://here:2380 but missing from --initial-advertise-peer-urls=http://127.0.0.1:2380 (resolved urls: "http://127.0.0.1:2380" != "http://10.0.0.1:2380")',
    );
    expect(await found([cluster, advertise], {})).toContainEqual(expect.stringContaining("no such host"));
  });

  it("counts URLs", async () => {
    const cluster = "--initial-cluster=default=http://127.0.0.1:2380,default=http://127.0.0.1:2381";
    expect(await found([cluster, advertise])).toContain(
      'bootstrap failed: --initial-cluster has default=http://127.0.0.1:2381 but missing from --initial-advertise-peer-urls=http://127.0.0.1:2380 (len(["http://127.0.0.1:2380"]) != len(["http://127.0.0.1:2380" "http://127.0.0.1:2381"]))',
    );
  });

  it("does not begin what is not built: several members, joining others", async () => {
    const several = "--initial-cluster=default=http://127.0.0.1:2380,b=http://127.0.0.1:2";
    expect(await found([several, advertise])).toContainEqual(
      expect.stringContaining("cluster of several members is not available"),
    );
    const one = "--initial-cluster=default=http://127.0.0.1:2380";
    expect(await found([one, advertise, "--initial-cluster-state=existing"])).toContainEqual(
      expect.stringContaining("joining a cluster is not available"),
    );
  });

  it("refuses one URL for two members", async () => {
    const shared = "--initial-cluster=default=http://127.0.0.1:2380,b=http://127.0.0.1:2380";
    expect(await found([shared, advertise])).toContain(
      "discovery failed: initial cluster b=http://127.0.0.1:2380,default=http://127.0.0.1:2380 has duplicate url",
    );
  });
});
