import type { LogIndex, MemberId } from "@quorate/common";
import { changeConfiguration, type ConfigurationStep } from "../../src/change-configuration.js";
import { type ConfState, emptyConfState, membersOf } from "../../src/conf-change.js";
import { formatConfiguration, formatProgress, parseChanges } from "./format.js";
import type { Directive } from "./script.js";

/** The configuration of one file, and the index at which each member's progress began. */
export class ConfChangeSuite {
  #confState: ConfState = emptyConfState;
  readonly #next = new Map<MemberId, LogIndex>();
  #lastIndex = 0;

  run(directive: Directive): string {
    try {
      return this.#answer(directive);
    } catch (error) {
      return `${(error as Error).message}\n`;
    } finally {
      this.#lastIndex++;
    }
  }

  #answer(directive: Directive): string {
    const result = changeConfiguration(this.#confState, stepOf(directive));
    if (result.kind === "refused") return `${result.reason}\n`;
    this.#confState = result.confState;
    const members = membersOf(result.confState);
    for (const member of this.#next.keys()) if (!members.includes(member)) this.#next.delete(member);
    for (const member of result.renewed) this.#next.set(member, Math.max(this.#lastIndex, 1) as LogIndex);
    const table = members.map((member) => {
      return formatProgress({
        member,
        state: "probe",
        match: 0 as LogIndex,
        next: this.#next.get(member) as LogIndex,
        isLearner: result.confState.learners.includes(member),
        isPaused: false,
        isActive: true,
        pendingSnapshot: undefined,
        inflight: 0,
        isInflightFull: false,
      });
    });
    return [formatConfiguration(result.confState), ...table, ""].join("\n");
  }
}

function stepOf(directive: Directive): ConfigurationStep {
  const changes = parseChanges(directive.input);
  switch (directive.command) {
    case "simple":
      return { kind: "simple", changes };
    case "enter-joint": {
      const value = directive.args.find(({ key }) => key === "autoleave")?.values[0];
      return { kind: "enter-joint", changes, autoLeave: value !== undefined && isTrue(value) };
    }
    case "leave-joint":
      if (changes.length > 0) throw new Error("this command takes no input");
      return { kind: "leave-joint" };
    default:
      throw new Error("unknown command");
  }
}

/** A boolean as the files write it. @throws Error on anything else. */
export function isTrue(value: string): boolean {
  if (/^(true|t|1)$/i.test(value)) return true;
  if (/^(false|f|0)$/i.test(value)) return false;
  throw new Error(`not a boolean: ${value}`);
}
