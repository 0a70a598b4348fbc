import type { LogIndex, MemberId } from "@quorate/common";
import { jointCommitted, jointVote, type VoterHalves } from "../../src/quorum.js";
import type { Directive } from "./script.js";

/** Answers a directive of the quorum suite. Nothing is kept between directives. */
export function runQuorumDirective(directive: Directive): string {
  const { halves, ids, values } = readCase(directive);
  if (ids.length !== values.length) return `error: mismatched input: ${ids.length} ids, ${values.length} values\n`;
  if (directive.command === "vote") {
    const votes = new Map(ids.flatMap((id, i) => (values[i] === "_" ? [] : [[id, values[i] === "y"] as const])));
    const result = jointVote(halves, (voter) => votes.get(voter));
    return `${{ won: "VoteWon", pending: "VotePending", lost: "VoteLost" }[result]}\n`;
  }
  if (directive.command !== "committed") throw new Error(`unknown command ${directive.command}`);
  const known = new Map(ids.flatMap((id, i) => (values[i] === "_" ? [] : [[id, Number(values[i])] as const])));
  const committed = jointCommitted(halves, (voter) => (known.get(voter) ?? 0) as LogIndex);
  return `${drawChart(ids, known)}${committed === Number.POSITIVE_INFINITY ? "∞" : committed}\n`;
}

function readCase(directive: Directive): {
  halves: VoterHalves;
  ids: readonly MemberId[];
  values: readonly string[];
} {
  const voters: MemberId[] = [];
  const votersOutgoing: MemberId[] = [];
  const values: string[] = [];
  for (const { key, values: given } of directive.args) {
    if (key === "cfg") voters.push(...given.map((id) => BigInt(id) as MemberId));
    else if (key === "cfgj") {
      if (given[0] !== "zero") votersOutgoing.push(...given.map((id) => BigInt(id) as MemberId));
    } else if (key === "idx" || key === "votes") values.push(...given);
    else throw new Error(`unknown argument ${key}`);
  }
  const distinct = (ids: readonly MemberId[]): MemberId[] => [...new Set(ids)];
  return {
    halves: { voters: distinct(voters), votersOutgoing: distinct(votersOutgoing) },
    ids: distinct([...voters, ...votersOutgoing]),
    values,
  };
}

function drawChart(ids: readonly MemberId[], known: ReadonlyMap<MemberId, number>): string {
  const count = ids.length;
  if (count === 0) return "<empty majority quorum>";
  const byId = ids.toSorted((a, b) => (a < b ? -1 : 1));
  const order = byId.toSorted((a, b) => (known.get(a) ?? 0) - (known.get(b) ?? 0));
  const bars = new Map<MemberId, number>();
  order.forEach((id, place) => {
    const before = order[place - 1];
    const isLarger = before === undefined || (known.get(id) ?? 0) > (known.get(before) ?? 0);
    bars.set(id, isLarger ? place : (bars.get(before as MemberId) as number));
  });
  const lines = byId.map((id) => {
    const bar = bars.get(id) as number;
    const drawn = known.has(id) ? `${"x".repeat(bar)}>${" ".repeat(count - bar)}` : `?${" ".repeat(count)}`;
    return `${drawn} ${String(known.get(id) ?? 0).padStart(5)}    (id=${id.toString(16)})\n`;
  });
  return `${" ".repeat(count + 4)}idx\n${lines.join("")}`;
}
