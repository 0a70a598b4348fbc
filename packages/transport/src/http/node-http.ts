import { createRequire } from "node:module";

/**
 * Node's own module. An `import` of it would look at all that it exports, and one of those getters loads Node's fetch: 20 ms of a start, for nothing
 * that is used here. `require` leaves them alone.
 */
export const nodeHttp = createRequire(import.meta.url)("node:http") as typeof import("node:http");
