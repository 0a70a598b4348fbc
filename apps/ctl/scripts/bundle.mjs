// Makes the one file that the launchers start: everything the commands need, and nothing else to look for at the start.
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const bundle = await rolldown({
  input: `${root}dist/main.js`,
  platform: "node",
  // The client's own transport is not used here (docs/decisions/0008-command-line.md), and grpc-js takes 40 ms to load.
  resolve: { alias: { "@grpc/grpc-js": `${root}scripts/no-grpc.mjs` } },
  // Two symbols of the client's that are there for others only: what is left out is not missed.
  treeshake: true,
});
await bundle.write({ file: `${root}dist/bundle/quoratectl.mjs`, format: "esm", codeSplitting: false });
await bundle.close();
