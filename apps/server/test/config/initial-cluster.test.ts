import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import {
  clusterIdOf,
  clusterOfOne,
  describeMismatch,
  identityOf,
  type InitialCluster,
  memberIdOf,
  missingLocal,
  parseInitialCluster,
  sharedUrl,
} from "../../src/config/initial-cluster.js";
import { type MemberUrl, parseUrls } from "../../src/config/member-url.js";

function mustParse(text: string): InitialCluster {
  const parsed = parseInitialCluster(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

function urls(...texts: string[]): readonly MemberUrl[] {
  const parsed = parseUrls(texts);
  if (parsed.kind === "invalid") throw new Error(parsed.reason);
  return parsed.urls;
}

describe("identityOf", () => {
  it("gives the ids that etcd gives its default member", () => {
    const identity = identityOf(mustParse("default=http://localhost:2380"), "etcd-cluster", "default");
    expect(identity).toEqual({
      member: 0x8e9e05c52164694dn,
      cluster: 0xcdf818194e3a8c32n,
      members: [{ id: 0x8e9e05c52164694dn, name: "default", peerUrls: ["http://localhost:2380"] }],
    });
  });

  it("sorts members by id, and does not depend on the order of the setting", () => {
    const text = "a=http://127.0.0.1:1,b=http://127.0.0.1:2,c=http://127.0.0.1:3";
    const forward = identityOf(mustParse(text), "t", "b");
    const backward = identityOf(mustParse(text.split(",").reverse().join(",")), "t", "b");
    expect(forward).toEqual(backward);
    const ids = forward?.members.map(({ id }) => id) ?? [];
    expect(ids).toEqual([...ids].sort((x, y) => (x < y ? -1 : 1)));
    expect(forward?.cluster).toBe(clusterIdOf([...ids].reverse()));
  });

  it("knows no member of another name", () => {
    expect(identityOf(mustParse("a=http://127.0.0.1:1"), "t", "b")).toBeUndefined();
  });
});

describe("memberIdOf", () => {
  it("sorts URLs, and takes them and the token as they are written", () => {
    expect(memberIdOf(["http://b:2", "http://a:1"], "t")).toBe(memberIdOf(["http://a:1", "http://b:2"], "t"));
    expect(memberIdOf(["http://LOCALHOST:1"], "t")).not.toBe(memberIdOf(["http://localhost:1"], "t"));
    expect(memberIdOf(["http://a:1"], "é")).not.toBe(memberIdOf(["http://a:1"], "e"));
  });
});

describe("clusterIdOf", () => {
  it("orders ids as unsigned numbers", () => {
    const ids = [0xffffffffffffffffn, 1n] as MemberId[];
    expect(clusterIdOf(ids)).toBe(clusterIdOf([...ids].reverse()));
  });
});

describe("parseInitialCluster", () => {
  it("joins the URLs of a name that comes twice", () => {
    const cluster = mustParse("a=http://h:2,,b=http://h:3,a=http://h:1");
    expect([...cluster].map(([name, list]) => [name, list.map(({ text }) => text)])).toEqual([
      ["a", ["http://h:1", "http://h:2"]],
      ["b", ["http://h:3"]],
    ]);
  });

  it("says what is wrong with a URL", () => {
    expect(parseInitialCluster("a=nonsense")).toBe("URL scheme must be http, https, unix, or unixs: nonsense");
    expect(parseInitialCluster("a")).toBe("URL scheme must be http, https, unix, or unixs: ");
  });
});

describe("clusterOfOne", () => {
  it("repeats the name for each URL", () => {
    expect(clusterOfOne("n", urls("http://h:1", "http://h:2"))).toBe("n=http://h:1,n=http://h:2");
  });
});

describe("missingLocal, sharedUrl, describeMismatch", () => {
  it("name what does not fit, as etcd does", () => {
    const cluster = mustParse("a=http://h:1,b=http://h:1");
    expect(missingLocal(cluster, "d")).toBe(`couldn't find local name "d" in the initial cluster configuration`);
    expect(missingLocal(cluster, "a")).toBeUndefined();
    expect(sharedUrl(cluster)).toBe("initial cluster a=http://h:1,b=http://h:1 has duplicate url");
    expect(sharedUrl(mustParse("a=http://h:1,b=http://h:2"))).toBeUndefined();
  });

  it("says on which side a URL is missing", () => {
    const ours = { name: "a", listed: urls("http://h:1", "http://h:2"), advertised: urls("http://h:1") };
    expect(describeMismatch(ours, "why")).toBe(
      "--initial-cluster has a=http://h:2 but missing from --initial-advertise-peer-urls=http://h:1 (why)",
    );
    expect(describeMismatch({ ...ours, listed: ours.advertised, advertised: ours.listed }, "why")).toBe(
      "--initial-advertise-peer-urls has http://h:2 but missing from --initial-cluster=a=http://h:1,a=http://h:2",
    );
    expect(describeMismatch(ours, undefined)).toBeUndefined();
  });
});
