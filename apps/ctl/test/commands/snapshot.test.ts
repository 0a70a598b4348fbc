import { createHash } from "node:crypto";
import { SnapshotResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeStream, runFake } from "../fake-world.js";

const database = new Uint8Array(1_536).fill(9);
const digest = createHash("sha256").update(database).digest();
const chunk = (blob: Uint8Array, remainingBytes: number) =>
  SnapshotResponse.encode({ blob, remainingBytes: BigInt(remainingBytes), version: "3.7.0" });

/** Streams these messages as soon as it is asked, then ends. */
const streaming = (...messages: Uint8Array[]) => ({
  onStream(stream: FakeStream, message: Uint8Array | undefined) {
    if (message === undefined) return;
    for (const one of messages) stream.answer(one);
    stream.end();
  },
});

describe("snapshot save", () => {
  it("leaves a whole file with its digest, and nothing beside it", async () => {
    const settings = streaming(
      chunk(database.subarray(0, 512), 1_024),
      chunk(database.subarray(512), 0),
      chunk(digest, 0),
    );
    const run = await runFake(["snapshot", "save", "s.db"], settings);
    expect(run).toMatchObject({ exitCode: 0, stdout: "Snapshot saved at s.db\nServer version 3.7.0\n", stderr: "" });
    expect([...run.written.keys()]).toEqual(["s.db"]);
    expect(Buffer.concat([database, digest]).equals(run.written.get("s.db") ?? new Uint8Array())).toBe(true);
    expect(run.log.map((entry) => entry.msg)).toEqual([
      "created temporary db file",
      "fetching snapshot",
      "fetched snapshot",
      "saved",
    ]);
  });

  const broken: [what: string, messages: Uint8Array[]][] = [
    ["a stream that ends early", [chunk(database.subarray(0, 512), 1_024)]],
    ["a digest that does not fit", [chunk(database, 0), chunk(new Uint8Array(32), 0)]],
    ["a digest that is missing", [chunk(database, 0)]],
  ];
  for (const [what, messages] of broken) {
    it(`leaves no file after ${what}`, async () => {
      const run = await runFake(["snapshot", "save", "s.db"], streaming(...messages));
      expect(run).toMatchObject({ exitCode: 5, stdout: "" });
      expect(run.stderr).toMatch(/^Error: the snapshot cannot be used: /);
      expect(run.written.size).toBe(0);
    });
  }

  it("says which file cannot be written, and asks nobody", async () => {
    const run = await runFake(["snapshot", "save", "/no/dir/s.db"]);
    expect(run).toMatchObject({
      exitCode: 5,
      stderr: "Error: could not open /no/dir/s.db.part (open /no/dir/s.db.part: no such file or directory)\n",
      requests: [],
    });
  });

  it("wants one endpoint", async () => {
    const run = await runFake(["--endpoints=a:1,b:2", "snapshot", "save", "s.db"]);
    const message = "snapshot must be requested to one selected node, not multiple [a:1 b:2]";
    expect(run).toMatchObject({ exitCode: 5, stderr: `Error: ${message}\n` });
  });
});
