import { type Client, type ClientOptions, type ClientPorts, createClient } from "../src/index.js";
import type { FakeMember } from "./fake/fake-member.js";

const quick = { retryBackoff: { firstMs: 1, maxMs: 5 } } as const;

/** A client of these members that does not wait long between attempts. */
export function buildClient(
  members: FakeMember | { readonly url: string } | readonly { readonly url: string }[],
  options: Partial<ClientOptions> = {},
  ports: ClientPorts = {},
): Client {
  const list = Array.isArray(members) ? members : [members];
  return createClient({ ...quick, endpoints: list.map((one) => one.url), ...options }, ports);
}

/** What a promise is rejected with. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

/** Until the condition holds; a look after each turn of the event loop. The test's own time limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
