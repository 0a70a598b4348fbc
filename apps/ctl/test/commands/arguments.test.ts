import { describe, expect, it } from "vitest";
import { runFake } from "../fake-world.js";

const notHex = (what: string, parser: string) =>
  `bad ${what} (strconv.${parser}: parsing "zz": invalid syntax), expecting ID in Hex`;

/** Command lines that are refused with exit code 128 before anybody is asked. */
const refused: [line: string, message: string][] = [
  ["lease grant", "lease grant command needs TTL argument"],
  ["lease grant 1 2", "lease grant command needs TTL argument"],
  ["lease grant x", 'bad TTL (strconv.ParseInt: parsing "x": invalid syntax)'],
  ["lease revoke", "lease revoke command needs 1 argument"],
  ["lease revoke zz", notHex("lease ID arg", "ParseInt")],
  ["lease timetolive", "lease timetolive command needs lease ID as argument"],
  ["lease keep-alive a b", "lease keep-alive command needs lease ID as argument"],
  ["member add", "member name not provided"],
  ["member add m2", "member peer urls not provided"],
  ["member add m2 http://a:1", "too many arguments, did you mean --peer-urls=http://a:1"],
  ["member remove", "member ID is not provided"],
  ["member remove zz", notHex("member ID arg", "ParseUint")],
  ["member update 1", "member peer urls not provided"],
  ["member promote 1 2", "member ID is not provided"],
  ["alarm list x", "alarm list command accepts no arguments"],
  ["alarm disarm x", "alarm disarm command accepts no arguments"],
  ["move-leader", "move-leader command needs 1 argument"],
  ["move-leader zz", 'strconv.ParseUint: parsing "zz": invalid syntax'],
  ["snapshot save", "snapshot save expects one argument <filename>"],
  ["downgrade enable", "TARGET_VERSION not provided"],
  ["downgrade validate 3.6 3.5", "too many arguments"],
  ["auth enable x", "auth enable command does not accept any arguments"],
  ["user add", "user add command requires user name as its argument"],
  ["user add :pw", "empty user name is not allowed"],
  ["user passwd", "user passwd command requires user name as its argument"],
  ["user grant-role u", "user grant command requires user name and role name as its argument"],
  ["role grant-permission r bogus k", "invalid permission type: bogus"],
  ["role grant-permission r toString k", "invalid permission type: toString"],
  ["role grant-permission r read a b --prefix", "unexpected endkey argument with --prefix flag"],
  ["role grant-permission r read a --prefix --from-key", "--from-key and --prefix flags are mutually exclusive"],
  ["role revoke-permission r", "role revoke-permission command requires role name and key [endkey] as its argument"],
  ["lock", "lock takes a lock name argument and an optional command to execute"],
  ["elect e", "no proposal argument but -l not set"],
  ["elect e p -l", "proposal given but -l is set"],
  ["make-mirror", "make-mirror takes one destination argument"],
];

describe("arguments of commands about the cluster", () => {
  for (const [line, message] of refused) {
    it(`refuses "${line}"`, async () => {
      const run = await runFake(line.split(" "));
      expect(run).toMatchObject({ exitCode: 128, stdout: "", stderr: `Error: ${message}\n`, requests: [] });
    });
  }

  it("refuses peer URLs that no member can have, without asking", async () => {
    const tried = ["nonsense", "http://x", "http://a:1/path"].map(async (url) => {
      const { exitCode, stderr, requests } = await runFake(["member", "add", "m", `--peer-urls=${url}`]);
      return { exitCode, stderr, requests };
    });
    expect(await Promise.all(tried)).toEqual([
      { exitCode: 1, stderr: "Error: URL scheme must be http, https, unix, or unixs: nonsense\n", requests: [] },
      { exitCode: 1, stderr: 'Error: URL address does not have the form "host:port": http://x\n', requests: [] },
      { exitCode: 1, stderr: "Error: URL must not contain a path: http://a:1/path\n", requests: [] },
    ]);
  });

  it("asks for a new password twice and refuses two different ones", async () => {
    const run = await runFake(["user", "add", "ann"], { passwords: ["one", "two"] });
    expect(run).toMatchObject({ exitCode: 128, stderr: "Error: given passwords are different\n", requests: [] });
  });
});
