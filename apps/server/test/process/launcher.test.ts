import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchDirectory } from "./scratch.js";

const launcher = new URL("../../../../bin/quorate", import.meta.url).pathname;

/** A checkout with the launcher, this Node, and a program that tells how it was called. */
function buildCheckout(options: { isBuilt: boolean }): string {
  const root = realpathSync(scratchDirectory());
  for (const directory of ["bin", "apps/server/dist/bundle", "node_modules/node/bin"])
    mkdirSync(join(root, directory), { recursive: true });
  copyFileSync(launcher, join(root, "bin/quorate"));
  symlinkSync("quorate", join(root, "bin/etcd"));
  symlinkSync(process.execPath, join(root, "node_modules/node/bin/node"));
  const program =
    "console.log(JSON.stringify({ main: process.argv[1], argv: process.argv.slice(2), cwd: process.cwd(), ppid: process.ppid, cache: process.env.NODE_COMPILE_CACHE }));";
  if (options.isBuilt) writeFileSync(join(root, "apps/server/dist/bundle/main.js"), program);
  return root;
}

function call(command: string, argv: readonly string[], cwd: string, path = "/usr/bin:/bin"): Record<string, unknown> {
  const text = execFileSync(command, argv, { cwd, env: { PATH: path }, encoding: "utf8" });
  return JSON.parse(text) as Record<string, unknown>;
}

describe("bin/quorate", () => {
  it("runs the daemon of its checkout with the words it was given", () => {
    const root = buildCheckout({ isBuilt: true });
    const said = call(join(root, "bin/quorate"), ["--name=a b", "", "*"], "/");
    expect(said).toMatchObject({
      main: join(root, "apps/server/dist/bundle/main.js"),
      argv: ["--name=a b", "", "*"],
      cwd: "/",
    });
    expect(said.cache).toBe(join(root, "node_modules/.cache/quorate"));
  });

  it("takes the place of the shell, so that signals reach the daemon", () => {
    const root = buildCheckout({ isBuilt: true });
    expect(call(join(root, "bin/quorate"), [], "/").ppid).toBe(process.pid);
  });

  it("is found through links, relative ones and chains of them, and on the path", () => {
    const root = buildCheckout({ isBuilt: true });
    const elsewhere = scratchDirectory();
    symlinkSync(join(root, "bin/etcd"), join(elsewhere, "one"));
    symlinkSync("one", join(elsewhere, "two"));
    const main = join(root, "apps/server/dist/bundle/main.js");
    expect(call(join(elsewhere, "two"), [], "/").main).toBe(main);
    expect(call("./two", [], elsewhere).main).toBe(main);
    expect(call("sh", ["-c", "two"], "/", `${elsewhere}:/usr/bin:/bin`).main).toBe(main);
  });

  it("says what to do when nothing is built", () => {
    const root = buildCheckout({ isBuilt: false });
    const result = spawnSync(join(root, "bin/etcd"), [], { encoding: "utf8", env: { PATH: "/usr/bin:/bin" } });
    expect([result.status, result.stdout, result.stderr]).toEqual([
      1,
      "",
      `etcd: not built yet; run: sh ${root}/scripts/setup.sh\n`,
    ]);
  });
});
