import { describe, expect, it } from "vitest";
import { formBytes, formNamed } from "../../src/output/forms.js";
import { jsonText } from "../../src/output/json.js";
import { drawTable } from "../../src/output/table.js";

describe("jsonText", () => {
  it("writes numbers of 64 bits exactly, and escapes as Go does", () => {
    expect(jsonText({ a: 18446744073709551615n, b: [null, true, "<&>\u2028\n\ud800"], c: {}, d: [] })).toBe(
      '{"a":18446744073709551615,"b":[null,true,"\\u003c\\u0026\\u003e\\u2028\\n\ufffd"],"c":{},"d":[]}',
    );
  });
});

describe("drawTable", () => {
  it("centres the header and sets cells to the right", () => {
    expect(
      drawTable({
        header: ["id", "is_learner"],
        rows: [
          ["8e9e05c52164694d", "false"],
          ["ü", ""],
        ],
      }),
    ).toBe(
      [
        "┌──────────────────┬────────────┐",
        "│        ID        │ IS LEARNER │",
        "├──────────────────┼────────────┤",
        "│ 8e9e05c52164694d │      false │",
        "│                ü │            │",
        "└──────────────────┴────────────┘",
        "",
      ].join("\n"),
    );
  });
});

describe("forms", () => {
  it("that a command does not have are refused with exit code 4", () => {
    for (const name of ["fields", "json", "protobuf", "table"] as const) {
      expect(() => formBytes({ simple: () => {} }, name, { isHex: false })).toThrow(
        expect.objectContaining({ exitCode: 4, message: `${name} not supported as output format` }),
      );
    }
  });

  it("that nobody has are refused, too", () => {
    for (const name of ["", "xml", "toString", "Simple"]) {
      expect(() => formNamed(name)).toThrow(
        expect.objectContaining({ exitCode: 4, message: "unsupported output format" }),
      );
    }
  });
});
