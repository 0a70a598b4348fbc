// Makes what the launchers start: one file with everything that the commands need, and a few lines that let Node keep its compiled code.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const bundle = await rolldown({
  input: `${root}dist/main.js`,
  platform: "node",
  // The client's own transport is not used here, and grpc-js takes as long to load as all the rest together.
  resolve: { alias: { "@grpc/grpc-js": `${root}scripts/no-grpc.mjs` } },
});
await bundle.write({ file: `${root}dist/bundle/quoratectl.cjs`, format: "cjs", codeSplitting: false });
await bundle.close();

// A directory that cannot be written to only makes starts slower. Nodes before 22.1 do without.
writeFileSync(
  `${root}dist/bundle/start.cjs`,
  `require("node:module").enableCompileCache?.(require("node:path").join(__dirname, "../../../../node_modules/.cache/quorate"));
require("./quoratectl.cjs");
`,
);
