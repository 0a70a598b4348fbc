import { rpcs } from "@quorate/client";
import { noTimeout } from "../../connection/session.js";
import { defineCommand } from "../../frame/command.js";
import { hexId } from "../../output/pairs.js";
import { parseLeaseId } from "../lease-id.js";
import { badArguments, fieldsBelowHeader } from "../message-forms.js";
import { leaseField, leaseForms, leaseQuestionFailure } from "./lease-forms.js";

export const leaseTimeToLive = defineCommand({
  name: "timetolive",
  usage: "<leaseID> [options]",
  short: "Get lease information",
  long: "Shows how long a lease was granted for and how much of that is left.",
  flags: { keys: { kind: "bool", help: "show the keys that are attached to the lease, too" } },
  async run(context) {
    const [text = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("lease timetolive command needs lease ID as argument");
    const ID = parseLeaseId(text, "lease ID arg");
    const { keys: wantsKeys } = context.flags;
    const session = await context.connect();
    const request = { ID, keys: wantsKeys };
    const answer = await session
      .call(rpcs.leaseTimeToLive, request, { timeoutMs: noTimeout })
      .catch((error: unknown) => {
        throw leaseQuestionFailure(error);
      });
    const { header, TTL, grantedTTL, keys } = answer;
    return {
      simple(page) {
        if (grantedTTL === 0n && TTL === -1n) return void page.line(`lease ${hexId(ID)} already expired`);
        page.text(`lease ${hexId(ID)} granted with TTL(${grantedTTL}s), remaining(${TTL}s)`);
        if (wantsKeys) {
          page.text(", attached keys([");
          for (const [index, key] of keys.entries()) page.text(index === 0 ? "" : " ").bytes(key);
          page.text("])");
        }
        page.line();
      },
      fields: fieldsBelowHeader(header, (page, options) => {
        page.field("ID", leaseField(ID, options)).field("TTL", TTL).field("GrantedTTL", grantedTTL);
        for (const key of keys) page.quotedField("Key", key);
      }),
      ...leaseForms(header, {
        id: ID,
        ttl: TTL,
        "granted-ttl": grantedTTL,
        keys: keys.length === 0 ? null : keys.map((key) => Buffer.from(key).toString("base64")),
      }),
    };
  },
});
