import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/read-config.js";
import type { Identity } from "../../src/config/initial-cluster.js";
import { foundCluster } from "../../src/process/found-cluster.js";

type World = Readonly<{
  hosts?: Readonly<Record<string, string>>;
  /** What peers answer, by URL: the body, and the id of their cluster. */
  peers?: Readonly<Record<string, string>>;
  cluster?: string;
}>;

async function founding(argv: readonly string[], { hosts = {}, peers = {}, cluster = "c1" }: World = {}) {
  const runtime = { version: "v24", platform: "linux", architecture: "x64" };
  const result = readConfig({ argv, environment: {}, readFile: () => new Uint8Array(), runtime });
  if (result.kind === "exit") throw new Error(JSON.stringify(result));
  return foundCluster(result.config, {
    resolve: async (host) => {
      const address = hosts[host];
      if (address === undefined) throw new Error(`lookup ${host}: no such host`);
      return address;
    },
    ask: async (url) => {
      const body = peers[url];
      if (body === undefined) throw new Error("connection refused");
      return { body, header: (name) => (name === "x-etcd-cluster-id" ? cluster : undefined) };
    },
  });
}

async function found(argv: readonly string[], hosts: Readonly<Record<string, string>> = {}, world: World = {}) {
  const result = await founding(argv, { hosts, ...world });
  return result.kind === "founding"
    ? result.identity
    : result.lines.map(({ message, fields }) => `${message}: ${fields?.error}`);
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

  it("gives three founders their ids and one cluster", async () => {
    const cluster = "--initial-cluster=a=http://127.0.0.1:2380,b=http://127.0.0.1:2382,c=http://127.0.0.1:2384";
    const identities = [];
    for (const [name, port] of [
      ["a", 2380],
      ["b", 2382],
      ["c", 2384],
    ] as const) {
      const urls = `--initial-advertise-peer-urls=http://127.0.0.1:${port}`;
      identities.push(await found([`--name=${name}`, cluster, urls]));
    }
    const [a, b, c] = identities as Identity[];
    expect(a?.cluster).toBe(b?.cluster);
    expect(b?.cluster).toBe(c?.cluster);
    expect(new Set(a?.members.map(({ id }) => id))).toEqual(new Set([a?.member, b?.member, c?.member]));
  });

  it("does not found a member again that its peers know to have run", async () => {
    const cluster = "--initial-cluster=default=http://127.0.0.1:2380,b=http://127.0.0.1:2";
    const self = (clientURLs: readonly string[]) =>
      `[{"id":10276657743932975437,"peerURLs":["http://127.0.0.1:2380"],"name":"","clientURLs":${JSON.stringify(clientURLs)}}]`;
    const identity = (await found([cluster, advertise])) as Identity;
    const known = (urls: readonly string[]) => self(urls).replace("10276657743932975437", String(identity.member));
    const peers = { "http://127.0.0.1:2/members": known(["http://127.0.0.1:2379"]) };
    expect(await found([cluster, advertise], {}, { peers })).toContain(
      `bootstrap failed: member ${identity.member.toString(16)} has already been bootstrapped`,
    );
    const unstarted = { "http://127.0.0.1:2/members": known([]) };
    expect(await found([cluster, advertise], {}, { peers: unstarted })).toMatchObject({ member: identity.member });
  });

  it("refuses one URL for two members", async () => {
    const shared = "--initial-cluster=default=http://127.0.0.1:2380,b=http://127.0.0.1:2380";
    expect(await found([shared, advertise])).toContain(
      "discovery failed: initial cluster b=http://127.0.0.1:2380,default=http://127.0.0.1:2380 has duplicate url",
    );
  });
});

describe("foundCluster, joining", () => {
  const argv = [
    "--name=b",
    "--initial-cluster=a=http://127.0.0.1:2380,b=http://127.0.0.1:2382",
    "--initial-advertise-peer-urls=http://127.0.0.1:2382",
    "--initial-cluster-state=existing",
  ];
  const a = `{"id":18446744073709551615,"peerURLs":["http://127.0.0.1:2380"],"name":"a","clientURLs":["http://127.0.0.1:2379"]}`;
  const b = `{"id":9007199254740993,"peerURLs":["http://127.0.0.1:2382"],"isLearner":true,"name":"","clientURLs":[]}`;
  const version = '{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}';
  const url = "http://127.0.0.1:2380";

  it("takes the ids that the cluster has given", async () => {
    const result = await founding(argv, { peers: { [`${url}/members`]: `[${b},${a}]`, [`${url}/version`]: version } });
    expect(result).toMatchObject({
      isJoining: true,
      identity: { member: 9_007_199_254_740_993n, cluster: 0xc1n },
      known: [{ isLearner: true }, { name: "a" }],
    });
  });

  it("says that nobody can be asked", async () => {
    expect(await found(argv)).toContain(
      "bootstrap failed: cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs",
    );
  });

  it("counts members", async () => {
    const remote = `{ClusterID:c1 Members:[&{ID:ffffffffffffffff RaftAttributes:{PeerURLs:[${url}] IsLearner:false} Attributes:{Name:a ClientURLs:[http://127.0.0.1:2379]}}] RemovedMemberIDs:[]}`;
    expect(await found(argv, {}, { peers: { [`${url}/members`]: `[${a}]` } })).toContain(
      `bootstrap failed: error validating peerURLs ${remote}: member count is unequal`,
    );
  });

  it("misses a member of the cluster in the setting", async () => {
    const peers = { [`${url}/members`]: `[${a},${b.replace("2382", "2399")}]` };
    const hosts = { "127.0.0.1": "127.0.0.1" };
    expect(await found(argv, hosts, { peers })).toContainEqual(
      expect.stringContaining(
        "PeerURLs: no match found for existing member (20000000000001, [http://127.0.0.1:2399]), last resolver error (",
      ),
    );
  });

  it("joins no cluster of another version", async () => {
    for (const etcdcluster of ["3.8.0", "2.3.0", "not_decided"]) {
      const told = JSON.stringify({ etcdcluster });
      const peers = { [`${url}/members`]: `[${a},${b}]`, [`${url}/version`]: told };
      expect(await found(argv, {}, { peers })).toContain("bootstrap failed: incompatible with current running cluster");
    }
  });
});
