import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type HttpStep, replayHttpCase } from "../../src/index.js";

const binary = fileURLToPath(new URL("../fixtures/fake-member.mjs", import.meta.url));
const fixtures = fileURLToPath(new URL("../../testdata/http/fixtures", import.meta.url));
const replay = (...steps: HttpStep[]) =>
  replayHttpCase({ title: "", flags: ["--as-http"], steps }, { binary, fixtures });

// The fake member answers every request with its path in X-Url and two lines, the second one a tenth of a second later.
describe("replayHttpCase", () => {
  it("accepts a case whose answers are the recorded ones", async () => {
    await replay(
      {
        method: "GET",
        path: "/a",
        status: 200,
        response_headers: { "X-Url": "/a", "X-Other": null },
        response_lines: [{ line: 1 }, { line: "{{num}}" }],
      },
      {
        method: "POST",
        path: "/%REPEAT%",
        repeat: ["x", 3],
        body: { a: 1 },
        open: "s",
        status: 200,
        response_headers: { "x-url": "/xxx" },
      },
      { read: "s", n: 2, lines: [{ line: 1 }, { line: 2 }], end: true },
      { close: "s" },
      { raw: "nonsense\r\n\r\n", status: 400, response: "" },
    );
  });

  const wrong: [string, HttpStep[], string][] = [
    ["another status", [{ path: "/", status: 404 }], "step 1: status: wanted 404, is 200"],
    ["another header", [{ path: "/", response_headers: { "X-Url": "/b" } }], 'header X-Url: wanted "/b", is "/"'],
    ["a header that must be absent", [{ path: "/", response_headers: { "X-Url": null } }], "header X-Url: not wanted"],
    ["another body", [{ path: "/", response: "x" }], 'body: wanted "x"'],
    ["a body that is not JSON", [{ path: "/", response: {} }], "is not JSON"],
    [
      "a line that does not come",
      [
        { path: "/", open: "s" },
        { read: "s", n: 3 },
      ],
      "wanted 3 lines",
    ],
    [
      "a line too many",
      [
        { path: "/", open: "s" },
        { read: "s", n: 1, quiet: 1000 },
      ],
      "nothing more was wanted",
    ],
    [
      "a line where silence is wanted",
      [
        { path: "/", open: "s" },
        { silent: "s", ms: 1000 },
      ],
      "wanted silence",
    ],
    ["interim answers that do not come", [{ path: "/", interim: [100] }], "interim: wanted [100]"],
  ];
  for (const [title, steps, message] of wrong) {
    it(`refuses ${title}`, async () => expect(replay(...steps)).rejects.toThrow(message));
  }
});
