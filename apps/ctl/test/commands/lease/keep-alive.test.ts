import { LeaseKeepAliveResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeAnswer, type FakeSettings, runFake } from "../../fake-world.js";
import { header } from "../../golden-member.js";

const id = 0x694d81417acd4754n;
const line = ["lease", "keep-alive", "694d81417acd4754"];
const unavailable = { status: 14, message: "no member", wasSent: true };
const renewed = (TTL: bigint) => LeaseKeepAliveResponse.encode({ header, ID: id, TTL });

/** A clock that is moved by waits alone, and a member that gives these answers, one after the other, the last one for ever. */
function playing(answers: FakeAnswer[]): { settings: FakeSettings; waits: number[] } {
  let nowMs = 0;
  const waits: number[] = [];
  const clock: NonNullable<FakeSettings["clock"]> = {
    nowMs: () => nowMs,
    after(delayMs, run) {
      waits.push(delayMs);
      let isOver = false;
      queueMicrotask(() => {
        if (isOver) return;
        nowMs += delayMs;
        run();
      });
      return {
        cancel() {
          isOver = true;
        },
      };
    },
  };
  const next = () => (answers.length > 1 ? answers.shift() : answers[0]) ?? unavailable;
  return { settings: { clock, answers: { "/etcdserverpb.Lease/LeaseKeepAlive": next } }, waits };
}

describe("lease keep-alive", () => {
  it("renews at once and after each third of the time, until the lease is gone", async () => {
    const { settings, waits } = playing([renewed(6n), renewed(6n), renewed(0n)]);
    const run = await runFake(line, settings);
    expect(run.stdout).toBe(
      `${"lease 694d81417acd4754 keepalived with TTL(6)\n".repeat(2)}lease 694d81417acd4754 expired or revoked.\n`,
    );
    expect(run.exitCode).toBe(0);
    expect(waits).toEqual([2_000, 2_000]);
  });

  it("counts the lease as gone when nobody renewed it in its time", async () => {
    const { settings } = playing([renewed(6n), unavailable]);
    const run = await runFake(line, settings);
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
    expect(run.stdout).toMatch(/expired or revoked\.\n$/);
  });

  it("says that it is over in the simple form only", async () => {
    const { settings } = playing([renewed(0n)]);
    expect(await runFake([...line, "-w", "json"], settings)).toMatchObject({ exitCode: 0, stdout: "" });
  });

  it("with --once, says that the lease is not there", async () => {
    const { settings } = playing([renewed(0n)]);
    expect(await runFake([...line, "--once"], settings)).toMatchObject({
      exitCode: 2,
      stdout: "",
      stderr: "Error: etcdserver: requested lease not found\n",
    });
  });
});
