import { runReadmeExample } from "@quorate/testkit";
import { describe, expect, it } from "vitest";

describe("README", () => {
  it("has an example that compiles and runs", async () => {
    expect(await runReadmeExample(new URL("../README.md", import.meta.url).pathname)).toBe("1 2 3 term 1\n");
  }, 60_000);
});
