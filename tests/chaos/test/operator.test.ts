import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ServiceMember } from "./support/service-member.js";

const run = promisify(execFile);

type Operator = (...words: string[]) => Promise<string>;

/** Somebody who works with one command line program on several endpoints. */
function operatorWith(program: string, members: readonly ServiceMember[]): Operator {
  const env = {
    PATH: process.env.PATH,
    ETCDCTL_API: "3",
    ETCDCTL_ENDPOINTS: members.map(({ clientUrl }) => clientUrl).join(),
  };
  return async (...words) => (await run(program, words, { env })).stdout;
}

/** Asks until the answer is right: members need a moment to start, to catch up, to hear of each other. */
async function eventually<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  let last: unknown;
  for (let attempt = 0; attempt < 150; attempt++) {
    try {
      const answer = await ask();
      if (isRight(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`the answer does not become right, the last was: ${String(last)}`);
}

/** The rows of a table, each by the names of its columns. */
function rowsOf(table: string): Record<string, string>[] {
  const lines = table.split("\n").filter((line) => /^[│|]/.test(line));
  const [names = [], ...rows] = lines.map((line) => {
    return line
      .split(/[│|]/)
      .slice(1, -1)
      .map((cell) => cell.trim());
  });
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? ""])));
}

/** The lines `NAME="value"` that `member add` prints for the environment file of the new member. */
function settingsIn(output: string): Record<string, string> {
  return Object.fromEntries([...output.matchAll(/^(ETCD_\w+)="(.*)"$/gm)].map((match) => [match[1], match[2]]));
}

function installed(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const ours = fileURLToPath(new URL("../../../bin/quoratectl", import.meta.url));

async function formCluster(members: readonly ServiceMember[]): Promise<void> {
  const cluster = {
    ETCD_INITIAL_CLUSTER: members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(),
    ETCD_INITIAL_CLUSTER_STATE: "new",
    ETCD_INITIAL_CLUSTER_TOKEN: "walk-through",
  };
  for (const member of members) member.configure(cluster);
  for (const member of members) member.start();
}

/** One leader, and all at the same index. */
function isSettled(rows: readonly Record<string, string>[]): boolean {
  const leaders = rows.filter((row) => row["IS LEADER"] === "true");
  const places = new Set(rows.map((row) => `${row["RAFT INDEX"]} ${row["RAFT APPLIED INDEX"]}`));
  return rows.length === 3 && leaders.length === 1 && places.size === 1 && !places.has("undefined undefined");
}

async function walkThrough(program: string): Promise<void> {
  await using one = await ServiceMember.at(1);
  await using two = await ServiceMember.at(2);
  await using three = await ServiceMember.at(3);
  const members = [one, two, three];
  const ask = operatorWith(program, members);
  await formCluster(members);

  const listed = await eventually(
    () => ask("member", "list"),
    (list) => list.match(/, started, /g)?.length === 3,
  );
  for (const { name, peerUrl, clientUrl } of members)
    expect(listed).toContain(`, started, ${name}, ${peerUrl}, ${clientUrl}, false`);
  await eventually(async () => rowsOf(await ask("endpoint", "status", "-w", "table")), isSettled);
  const health = rowsOf(await ask("endpoint", "health", "-w", "table"));
  expect(health.map((row) => [row.ENDPOINT, row.HEALTH]).sort()).toEqual(
    members.map(({ clientUrl }) => [clientUrl, "true"]).sort(),
  );

  for (const name of ["a", "b", "c"]) expect(await ask("put", `fruit/${name}`, `old ${name}`)).toBe("OK\n");

  // The third machine burns down.
  await three.kill();
  const old = /^([0-9a-f]+), started, node3,/m.exec(listed)?.[1] ?? "";
  const left = operatorWith(program, [one, two]);
  const removed = await eventually(
    () => left("member", "remove", old),
    () => true,
  );
  expect(removed).toMatch(new RegExp(`^Member\\s+${old} removed from cluster\\s+[0-9a-f]+\\n$`));
  three.removeData();
  const added = await eventually(
    () => left("member", "add", "node3", `--peer-urls=${three.peerUrl}`),
    () => true,
  );
  expect(added).toMatch(/^Member\s+[0-9a-f]+ added to cluster\s+[0-9a-f]+\n/);
  const settings = settingsIn(added);
  expect(settings.ETCD_NAME).toBe("node3");
  expect(settings.ETCD_INITIAL_CLUSTER_STATE).toBe("existing");
  expect(settings.ETCD_INITIAL_ADVERTISE_PEER_URLS).toBe(three.peerUrl);
  expect(settings.ETCD_INITIAL_CLUSTER?.split(",").sort()).toEqual(
    members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).sort(),
  );
  expect(await left("member", "list")).toMatch(new RegExp(`^[0-9a-f]+, unstarted, , ${three.peerUrl}, , false$`, "m"));
  three.configure(settings);
  three.start();
  const relisted = await eventually(
    () => left("member", "list"),
    (list) => list.match(/, started, /g)?.length === 3,
  );
  const fresh = /^([0-9a-f]+), started, node3,/m.exec(relisted)?.[1];
  expect(fresh).not.toBe(old);

  // It has all the data, and the cluster goes on.
  const alone = operatorWith(program, [three]);
  const everything = "fruit/a\nold a\nfruit/b\nold b\nfruit/c\nold c\n";
  await eventually(
    () => alone("get", "--prefix", "fruit/", "--consistency=s"),
    (answer) => answer === everything,
  );
  await eventually(async () => rowsOf(await ask("endpoint", "status", "-w", "table")), isSettled);
  expect(await ask("put", "fruit/a", "new a")).toBe("OK\n");
  expect(await ask("get", "fruit/a")).toBe("fruit/a\nnew a\n");
  expect(await ask("get", "--prefix", "fruit/", "--print-value-only")).toBe("new a\nold b\nold c\n");
  expect(await ask("del", "fruit/a")).toBe("1\n");
  expect(await ask("del", "--prefix", "fruit/")).toBe("2\n");
  expect(await ask("del", "--prefix", "fruit/")).toBe("0\n");
  expect(await ask("get", "--prefix", "fruit/")).toBe("");
}

describe("an operator", () => {
  it("forms a cluster, loses a machine and replaces it, with quoratectl", async () => {
    expect(existsSync(ours)).toBe(true);
    await walkThrough(ours);
  });

  // Debian's program is not on every machine; the full check installs it.
  it.skipIf(!installed("etcdctl"))("does the same with Debian's etcdctl", async () => {
    await walkThrough("etcdctl");
  });
});
