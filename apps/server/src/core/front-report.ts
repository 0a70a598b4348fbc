import type { MemberId } from "@quorate/common";
import { databaseBytesOf } from "./applier.js";
import { type FromCore, type FrontState, isSameState } from "./core-link.js";
import type { MemberState } from "./member-state.js";

/** Tells the fronts how the core is, when that has changed. */
export class FrontReport {
  readonly #state: MemberState;
  readonly #quotaBytes: number | undefined;
  readonly #emit: (message: FromCore) => void;
  #told: FrontState | undefined;

  constructor(
    parts: { state: MemberState; emit: (message: FromCore) => void },
    options: { quotaBytes: number | undefined },
  ) {
    this.#state = parts.state;
    this.#emit = parts.emit;
    this.#quotaBytes = options.quotaBytes;
  }

  /** @param now what the report does not know by itself. */
  tell(now: { leader: MemberId | undefined; applyBacklog: number }): void {
    const { membership, member, mvcc } = this.#state;
    const state: FrontState = {
      leader: now.leader,
      isLearner: membership.get(member)?.isLearner ?? false,
      databaseBytes: databaseBytesOf(mvcc),
      quotaBytes: this.#quotaBytes,
      applyBacklog: now.applyBacklog,
    };
    if (this.#told !== undefined && isSameState(this.#told, state)) return;
    this.#told = state;
    this.#emit({ kind: "state", state });
  }
}
