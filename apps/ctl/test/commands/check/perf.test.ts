import { RangeResponse } from "@quorate/proto";
import { ClientError } from "@quorate/client";
import { describe, expect, it } from "vitest";
import { Outcomes } from "../../../src/commands/check/load.js";
import { verdict } from "../../../src/commands/check/perf.js";
import { type FakeSettings, runFake } from "../../fake-world.js";
import { answers } from "../../golden-member.js";

const plan = { writesPerSecond: 100, clients: 10, seconds: 10 };

/** Outcomes of writes that took so long, in seconds. */
async function outcomesOf(...seconds: number[]): Promise<Outcomes> {
  const outcomes = new Outcomes();
  let nowMs = 0;
  const world = { clock: { nowMs: () => nowMs, after: () => ({ cancel() {} }) } };
  for (const one of seconds) {
    const request = async () => {
      nowMs += one * 1_000;
    };
    await outcomes.measure(request, world);
  }
  return outcomes;
}

describe("verdict", () => {
  it("passes a cluster that keeps up", async () => {
    const outcomes = await outcomesOf(...Array.from({ length: 950 }, () => 0.01));
    expect(verdict(outcomes, plan, 10)).toEqual({
      lines: [
        "PASS: Throughput is 96 writes/s",
        "PASS: Slowest request took 0.010000s",
        "PASS: Stddev is 0.000000s",
        "PASS",
      ],
      isGood: true,
    });
  });

  it("fails too few writes, slow ones and uneven ones, each with its line", async () => {
    const outcomes = await outcomesOf(0.001, 0.9);
    expect(verdict(outcomes, plan, 10)).toEqual({
      lines: [
        "FAIL: Throughput too low: 1 writes/s",
        "Slowest request took too long: 0.900000s",
        "Stddev too high: 0.449500s",
        "FAIL",
      ],
      isGood: false,
    });
  });

  it("lists what failed, and how often", async () => {
    const outcomes = await outcomesOf(...Array.from({ length: 950 }, () => 0.01));
    const world = { clock: { nowMs: () => 0, after: () => ({ cancel() {} }) } };
    const refused = () => Promise.reject(new ClientError({ code: "client/closed", message: "gone" }));
    for (let time = 0; time < 2; time++) {
      await outcomes.measure(refused, world);
    }
    const { lines, isGood } = verdict(outcomes, plan, 10);
    expect(lines.slice(0, 2)).toEqual(["FAIL: too many errors", "FAIL: ERROR(gone) -> 2"]);
    expect(isGood).toBe(false);
  });
});

describe("check", () => {
  const used: FakeSettings = {
    answers: {
      ...answers,
      "/etcdserverpb.KV/Range": () =>
        RangeResponse.encode({
          kvs: [
            {
              key: Buffer.from("k"),
              value: Buffer.from(""),
              createRevision: 1n,
              modRevision: 1n,
              version: 1n,
              lease: 0n,
            },
          ],
        }),
    },
  };

  it("writes where nothing is, only", async () => {
    const run = await runFake(["check", "perf", "--prefix", "p/"], used);
    expect(run).toMatchObject({
      exitCode: 3,
      stderr: "Error: prefix \"p/\" has keys. Delete with 'etcdctl del --prefix p/' first\n",
    });
    expect(run.requests).toHaveLength(1);
  });

  it("says when it cannot read the member's memory", async () => {
    const run = await runFake(["check", "datascale"], { answers });
    expect(run).toMatchObject({
      exitCode: 1,
      stdout: "FAIL: Could not read process_resident_memory_bytes before the put operations.\n",
    });
  });

  it("refuses a load that it does not know before it asks anybody", async () => {
    const run = await runFake(["check", "perf", "--load=toString"], { answers });
    expect(run).toMatchObject({ exitCode: 4, stderr: "Error: unknown load option toString\n", requests: [] });
  });
});
