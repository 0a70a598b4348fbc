import type { FakeSettings } from "./fake-world.js";

/** One command line, to be run in each form. */
export type GoldenCase = { readonly argv: readonly string[]; readonly settings?: FakeSettings };
