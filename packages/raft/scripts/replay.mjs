// `pnpm replay DIR`: replays a folder of data-driven test files. Node strips the types itself; the hook finds the `.ts` file behind
// an import that ends in `.js`, so that nothing has to be built for it but @quorate/common.
import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith(".") && specifier.endsWith(".js") && context.parentURL !== undefined) {
      const url = new URL(specifier.replace(/\.js$/, ".ts"), context.parentURL);
      if (existsSync(fileURLToPath(url))) return next(url.href, context);
    }
    return next(specifier, context);
  },
});

const { replayFolder } = await import("../test/replay/replay-folder.ts");
const [folder] = process.argv.slice(2).filter((argument) => argument !== "--");
if (folder === undefined) {
  console.error("usage: pnpm replay DIR");
  process.exitCode = 2;
} else {
  // A package script runs in the package's own directory; the folder is meant from where it was called.
  const base = process.env.INIT_CWD ?? process.cwd();
  process.exitCode = replayFolder(base, folder, (line) => console.log(line)) ? 0 : 1;
}
