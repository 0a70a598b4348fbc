import { authCases } from "./golden-auth.js";
import type { GoldenCase } from "./golden-case.js";
import { keyCases } from "./golden-keys.js";
import { answers } from "./golden-member.js";

const against = (...argv: string[]): GoldenCase => ({ argv, settings: { answers } });

/** By the name of their file in `golden/`. */
export const goldenCases: Readonly<Record<string, GoldenCase>> = {
  ...authCases,
  ...keyCases,
  "alarm-disarm": against("alarm", "disarm"),
  "alarm-list": against("alarm", "list"),
  defrag: against("defrag"),
  "downgrade-enable": against("downgrade", "enable", "3.6"),
  "endpoint-hashkv": against("endpoint", "hashkv"),
  "endpoint-health": against("endpoint", "health"),
  "endpoint-status": against("endpoint", "status"),
  "lease-grant": against("lease", "grant", "600"),
  "lease-keep-alive": against("lease", "keep-alive", "--once", "694d81417acd4754"),
  "lease-list": against("lease", "list"),
  "lease-revoke": against("lease", "revoke", "694d81417acd4754"),
  "lease-timetolive": against("lease", "timetolive", "694d81417acd4754", "--keys"),
  "member-add": against("member", "add", "m2", "--learner", "--peer-urls=http://127.0.0.1:3380"),
  "member-list": against("member", "list"),
  "member-promote": against("member", "promote", "11f71fb04cb"),
  "member-remove": against("member", "remove", "11f71fb04cb"),
  "member-update": against("member", "update", "11f71fb04cb", "--peer-urls=http://127.0.0.1:3380"),
  "move-leader": against("move-leader", "11f71fb04cb"),
};
