import { describe, expect, it } from "vitest";
import { Names } from "../../src/ctl/names.js";
import { foldHelp, foldUsage, normalise, normaliseHex, withoutLogs } from "../../src/ctl/normalise.js";

function namesOf(values: Record<string, string>): Names {
  const names = new Names();
  for (const [name, value] of Object.entries(values)) names.set(name, value);
  return names;
}

const etcdctl = (text: string, volatile: string[] = [], names = namesOf({})) =>
  normalise(text, { program: "etcdctl", volatile, names });

describe("Names", () => {
  it("finds ids in hexadecimal and in decimal form, and only as whole words", () => {
    const names = namesOf({ M1: "8e9e05c52164694d", EP1: "127.0.0.1:1234" });
    const decimal = BigInt("0x8e9e05c52164694d").toString();
    expect(names.replace(`8e9e05c52164694d ${decimal} x8e9e05c52164694d 127.0.0.1:12345 127.0.0.1:1234,`)).toBe(
      "{M1} {M1} x8e9e05c52164694d 127.0.0.1:12345 {EP1},",
    );
  });

  it("fills names it knows and leaves the others", () => {
    expect(namesOf({ TMP: "/t" }).fill("{TMP}/a {L} {}")).toBe("/t/a {L} {}");
  });
});

describe("normalise", () => {
  const cases: [what: string, text: string, wanted: string][] = [
    ["ids, but not zeros", "8e9e05c52164694d 0000000000000000 1234567890", "<id> 0000000000000000 1234567890"],
    [
      "spaces before ids",
      "Member  e9e05c52164694d added to cluster    e9e05c52164694d",
      "Member <id> added to cluster <id>",
    ],
    ["versions", "v 3.7.1, 3.7, 13.7.1", "v <version>, 3.7, 13.7.1"],
    [
      "terms, but not none",
      '{"raft_term":2} "RaftTerm" : 3 {"raftTerm":0}',
      '{"raft_term":<term>} "RaftTerm" : <term> {"raftTerm":0}',
    ],
    [
      "the columns of endpoint status",
      "e, 3.7.1, 20 kB, 1.6 kB, 20%, true, false, 2, 8, 9, , , false",
      "e, <version>, <size>, <size>, <percent>, true, false, <term>, <index>, <index>, , , false",
    ],
    [
      "durations",
      'took = 1.2ms, {"took":"3m2.5s"} took 7µs',
      'took = <duration>, {"took":"<duration>"} took <duration>',
    ],
    [
      "tables",
      "│ true   │ false │ 2 │ 8 │ 8 │ 1.5ms │\n├────┼──┤",
      "│ true │ false │ <term> │ <index> │ <index> │ <duration> │\n├─┼─┤",
    ],
    ["lists of members", 'ETCD_INITIAL_CLUSTER="b=2,a=1"', 'ETCD_INITIAL_CLUSTER="a=1,b=2"'],
  ];
  for (const [what, text, wanted] of cases) it(`replaces ${what}`, () => expect(etcdctl(text)).toBe(wanted));

  it("keeps times to live unless they vary", () => {
    expect(etcdctl('{"ttl":599}')).toBe('{"ttl":599}');
    expect(etcdctl('{"ttl":599}', ["ttl"])).toBe('{"ttl":<seconds>}');
    expect(etcdctl("remaining(599s), x")).toBe("remaining(<seconds>), x");
  });

  it("cuts what has no order at line ends and braces, but not those of names", () => {
    expect(etcdctl('{"b":{M1}}\n[{"a":1}]\n', ["unordered"])).toBe('"a":1\n"b":{M1}\n[\n]');
  });
});

describe("withoutLogs", () => {
  it("drops log lines and what follows a panic", () => {
    expect(withoutLogs('{"level":"warn"}\nError: x\n2026-01-02T03:04:05.6Z\twarn\tx\tmsg\n')).toBe("Error: x\n");
    expect(withoutLogs("panic: bad value\n\ngoroutine 1\n")).toBe("panic: bad value\n");
  });
});

describe("foldHelp and foldUsage", () => {
  it("say that there is help and where it began", () => {
    expect(foldHelp("Gets\n\nUsage:\n  get\n")).toBe("<help>\n");
    expect(foldHelp("no Usage: here\n")).toBe("no Usage: here\n");
    expect(foldUsage("Error: x\nUsage:\n  get\n")).toBe("Error: x\n<usage>\n");
  });
});

describe("normaliseHex", () => {
  it("replaces a header in front, and one alone", () => {
    const header = [0x08, 0x81, 0x01, 0x10, 0x02, 0x18, 0x09, 0x20, 0x02];
    expect(normaliseHex(Uint8Array.from([0x0a, header.length, ...header, 0x10, 0x01]))).toBe("<header revision=9>1001");
    expect(normaliseHex(Uint8Array.from(header))).toBe("<bare-header revision=9>");
    expect(normaliseHex(Uint8Array.of(0x0a, 0x01, 0x61))).toBe("0a0161");
    expect(normaliseHex(new Uint8Array())).toBe("");
  });
});
