import { ClientError, rpcs } from "@quorate/client";
import { HashKVResponse } from "@quorate/proto";
import { failureOf, errorText, isLoginFailure } from "../../connection/go-error.js";
import { defineCommand } from "../../frame/command.js";
import type { Forms } from "../../output/forms.js";
import { messageJson } from "../../output/json.js";
import { printHeaderFields } from "../../output/pairs.js";
import { clusterFlags, connectToChosen } from "./chosen-endpoints.js";

type Found = { readonly endpoint: string; readonly hash: HashKVResponse };

export const endpointHashKv = defineCommand({
  name: "hashkv",
  short: "Prints the KV history hash for each endpoint in --endpoints",
  flags: { ...clusterFlags, rev: { kind: "int", help: "maximum revision to hash (0: the latest)" } },
  async run(context) {
    const session = await connectToChosen(context);
    const found: Found[] = [];
    let failure: ClientError | undefined;
    for (const endpoint of session.endpoints) {
      try {
        const request = { revision: context.flags.rev };
        const hash = await session.call(rpcs.hashKv, request, { endpoint, timeoutMs: context.timeoutMs });
        found.push({ endpoint, hash });
      } catch (error) {
        if (!(error instanceof ClientError) || isLoginFailure(error)) throw error;
        context.warn(`Failed to get the hash of endpoint ${endpoint} (${errorText(error)})`);
        failure = error;
      }
    }
    context.print(formsOf(found));
    if (failure !== undefined) throw failureOf(failure);
    return undefined;
  },
});

function formsOf(found: readonly Found[]): Forms {
  return {
    simple(page) {
      for (const one of found) page.line(rowOf(one).join(", "));
    },
    fields(page, options) {
      for (const { endpoint, hash } of found) {
        printHeaderFields(page, hash.header, options);
        page.quotedField("Endpoint", endpoint).field("Hash", hash.hash).field("HashRevision", hash.hashRevision).line();
      }
    },
    json: () => {
      if (found.length === 0) return null;
      return found.map(({ endpoint, hash }) => ({
        Endpoint: endpoint,
        HashKV: messageJson(HashKVResponse.name, hash),
      }));
    },
    table: () => ({ header: ["endpoint", "hash", "hash revision"], rows: found.map(rowOf) }),
  };
}

function rowOf({ endpoint, hash }: Found): string[] {
  return [endpoint, String(hash.hash), String(hash.hashRevision)];
}
