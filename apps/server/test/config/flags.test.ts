import { describe, expect, it } from "vitest";
import { parseFlags } from "../../src/config/parse-flags.js";

function given(...argv: string[]): Record<string, unknown> {
  const parsed = parseFlags(argv);
  if (parsed.kind !== "flags") throw new Error(JSON.stringify(parsed));
  return Object.fromEntries(parsed.given);
}

describe("parseFlags", () => {
  it("takes one dash or two, a value after = or as the next word", () => {
    expect(given("-name", "a", "--data-dir=/d", "--max-wals", "0x10")).toEqual({
      name: "a",
      "data-dir": "/d",
      "max-wals": 16,
    });
  });

  it("lets the last of two equal flags win", () => {
    expect(given("--name=a", "--name=b")).toEqual({ name: "b" });
  });

  it("takes truth values only after =", () => {
    expect(given("--pre-vote", "--force-new-cluster=T")).toEqual({ "pre-vote": true, "force-new-cluster": true });
    expect(parseFlags(["--pre-vote", "false", "--name=a"])).toMatchObject({ positional: ["false", "--name=a"] });
  });

  it("keeps = signs of a value", () => {
    expect(given("--initial-cluster=a=http://x:1,b=http://y:2")).toEqual({
      "initial-cluster": "a=http://x:1,b=http://y:2",
    });
  });

  it("passes over flags of former versions", () => {
    expect(given("--force", "--v", "--snapshot=3", "--name=a")).toEqual({ name: "a" });
  });

  it("stops at -- and at a lone dash", () => {
    expect(parseFlags(["--", "--name=a"])).toMatchObject({ positional: ["--name=a"] });
    expect(parseFlags(["-", "--name=a"])).toMatchObject({ positional: ["-", "--name=a"] });
  });

  const mistakes: readonly (readonly [string[], string])[] = [
    [["---name=a"], "bad flag syntax: ---name=a"],
    [["--=a"], "bad flag syntax: --=a"],
    [["--experimental-x=1"], "flag provided but not defined: -experimental-x"],
    [["--discovery=http://x"], "flag provided but not defined: -discovery"],
    [["--name"], "flag needs an argument: -name"],
    [["--pre-vote=yes"], 'invalid boolean value "yes" for -pre-vote: parse error'],
    [
      ["--quota-backend-bytes=9223372036854775808"],
      'invalid value "9223372036854775808" for flag -quota-backend-bytes: value out of range',
    ],
    [
      ["--listen-client-urls=ftp://x:1"],
      'invalid value "ftp://x:1" for flag -listen-client-urls: URL scheme must be http, https, unix, or unixs: ftp://x:1',
    ],
    [
      ["--listen-client-urls=http://a:1,http://b/p"],
      'invalid value "http://a:1,http://b/p" for flag -listen-client-urls: URL address does not have the form "host:port": http://b/p',
    ],
    [
      ["--listen-client-urls=http://b:1/p"],
      'invalid value "http://b:1/p" for flag -listen-client-urls: URL must not contain a path: http://b:1/p',
    ],
    [
      ["--listen-peer-urls="],
      'invalid value "" for flag -listen-peer-urls: URL scheme must be http, https, unix, or unixs: ',
    ],
    [
      ["--feature-gates=Nope=true"],
      'invalid value "Nope=true" for flag -feature-gates: unrecognized feature gate: Nope',
    ],
    [["--feature-gates=AllBeta"], 'invalid value "AllBeta" for flag -feature-gates: missing bool value for AllBeta'],
    [
      ["--feature-gates=AllBeta=x"],
      'invalid value "AllBeta=x" for flag -feature-gates: invalid value of AllBeta=x, err: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    [["--discovery-fallback=no"], 'invalid value "no" for flag -discovery-fallback: invalid value'],
    [
      ["--max-concurrent-streams=x"],
      'invalid value "x" for flag -max-concurrent-streams: strconv.ParseUint: parsing "x": invalid syntax',
    ],
  ];
  for (const [argv, message] of mistakes) {
    it(`refuses ${argv.join(" ")}`, () => expect(parseFlags(argv)).toEqual({ kind: "usage", message }));
  }

  it("reads numbers with Go's prefixes and signs", () => {
    expect(given("--max-txn-ops=0o17", "--max-learners=-0b11", "--max-wals=1_000", "--bcrypt-cost=017")).toEqual({
      "max-txn-ops": 15,
      "max-learners": -3,
      "max-wals": 1000,
      "bcrypt-cost": 15,
    });
  });

  it("takes no URL for listeners that may be absent", () => {
    expect(given("--listen-metrics-urls=", "--cors=")).toEqual({ "listen-metrics-urls": [], cors: ["*"] });
  });
});
