import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type ApiStep, replayApiCase } from "../../src/index.js";
import { smallSchema } from "../small-schema.js";

const binary = fileURLToPath(new URL("../fixtures/fake-member.mjs", import.meta.url));
const replay = (...steps: ApiStep[]) => replayApiCase({ title: "", flags: [], steps }, smallSchema, { binary });
const range = { rpc: "etcdserverpb.KV/Range", request: { key: "a" } };
const watch: ApiStep = { open: "w", rpc: "etcdserverpb.Watch/Watch" };
const send: ApiStep = { send: "w", message: { create_request: {} } };
const event = { watch_id: 5, events: [{ kv: { key: "k" } }] };

// The fake member answers Range with count 7 and one key, and a watch with `created`, then one event for each further request.
describe("replayApiCase", () => {
  it("accepts a case whose answers are the recorded ones", async () => {
    await replay(
      { ...range, response: { kvs: [{ key: "k" }], count: 7 } },
      { rpc: "etcdserverpb.KV/Nope", request: {}, error: { code: "Unimplemented", message: "$any" } },
      watch,
      send,
      { expect: "w", messages: [{ created: true }] },
      { silent: "w", for_ms: 50 },
      send,
      send,
      { expect: "w", messages: [{ watch_id: 5, events: [{ kv: { key: "k" } }, { kv: { key: "k" } }] }], merged: true },
      send,
      { expect: "w", messages: [event], order: "per_watch" },
      send,
      { half_close: "w" },
      { drain: "w", messages: [event], status: { code: "OK", message: "" } },
      { restart: true },
      { ...range, response: { kvs: [{ key: "k" }], count: 7 } },
    );
  });

  const wrong: [string, ApiStep[], string][] = [
    ["another answer", [{ ...range, response: { kvs: [{ key: "k" }], count: 8 } }], "step 1: count: wanted 8, is 7"],
    [
      "an answer where an error is wanted",
      [{ ...range, error: { code: "OutOfRange", message: "x" } }],
      'wanted {"code":"OutOfRange"',
    ],
    [
      "an error where an answer is wanted",
      [{ rpc: "etcdserverpb.KV/Nope", request: {}, response: {} }],
      "wanted an answer, is",
    ],
    [
      "another error",
      [{ rpc: "etcdserverpb.KV/Nope", request: {}, error: { code: "Internal", message: "$any" } }],
      'is {"code":"Unimplemented"',
    ],
    [
      "a message that does not come",
      [watch, { expect: "w", messages: [{ created: true }], within_ms: 50 }],
      "nothing more in time",
    ],
    [
      "another message",
      [watch, send, { expect: "w", messages: [{ created: true, watch_id: 1 }] }],
      "[0].watch_id: wanted 1",
    ],
    ["a message where silence is wanted", [watch, send, { silent: "w", for_ms: 1000 }], "wanted silence, came"],
    [
      "an end where silence is wanted",
      [watch, { half_close: "w" }, { silent: "w", for_ms: 1000 }],
      "wanted silence, ended",
    ],
    [
      "an end that does not come",
      [watch, { drain: "w", messages: [], status: { code: "OK", message: "" }, within_ms: 50 }],
      "no end in time",
    ],
    [
      "a message too many before the end",
      [watch, send, { half_close: "w" }, { drain: "w", messages: [], status: { code: "OK", message: "" } }],
      "wanted []",
    ],
    [
      "another status at the end",
      [watch, { cancel: "w" }, { drain: "w", messages: [], status: { code: "OK", message: "" } }],
      'is {"code":"Canceled"',
    ],
  ];
  for (const [title, steps, message] of wrong) {
    it(`refuses ${title}`, async () => expect(replay(...steps)).rejects.toThrow(message));
  }
});
