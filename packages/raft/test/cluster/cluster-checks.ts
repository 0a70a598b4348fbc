import type { LogIndex, MemberId, Term } from "@quorate/common";
import { encodeEntry } from "../../src/codec/entry-codec.js";
import type { ConfState } from "../../src/conf-change.js";
import type { Entry } from "../../src/entry.js";
import type { MemoryLog } from "../../src/memory-log.js";

/** What every member must agree on, collected from all of them. Each method throws when a promise of Raft is broken. */
export class ClusterChecks {
  readonly #leaders = new Map<Term, MemberId>();
  readonly #committed = new Map<LogIndex, Readonly<{ entry: Entry; knownInTerm: Term }>>();
  readonly #states = new Map<LogIndex, string>();
  /** The highest index that any member has known to be committed. */
  highestCommit = 0 as LogIndex;
  readsAnswered = 0;
  elections = 0;

  /**
   * Election safety: at most one leader per term (Raft paper, figure 3). Leader completeness (section 5.4): it has what was committed
   * in earlier terms. What was committed in later ones it may lack: its votes can arrive when the world has moved on.
   */
  elected(member: MemberId, term: Term, log: (index: LogIndex) => Term | undefined, firstIndex: LogIndex): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== member) throw new Error(`term ${term} has leaders ${other} and ${member}`);
    if (other === undefined) this.elections++;
    this.#leaders.set(term, member);
    for (const [index, { entry, knownInTerm }] of this.#committed) {
      if (knownInTerm < term && index >= firstIndex && log(index) !== entry.term) {
        throw new Error(`leader ${member} of term ${term} lacks committed entry ${entry.term}/${index}`);
      }
    }
  }

  /** State machine safety: one entry per index, whoever applies it (Raft paper, figure 3). */
  committed(member: MemberId, entry: Entry, knownInTerm: Term): void {
    const known = this.#committed.get(entry.index)?.entry;
    if (known === undefined) {
      this.#committed.set(entry.index, { entry, knownInTerm });
      return;
    }
    if (known.term !== entry.term || known.kind !== entry.kind || Buffer.compare(known.data, entry.data) !== 0) {
      throw new Error(`member ${member} applies ${entry.term}/${entry.index} where others have ${known.term}`);
    }
  }

  /** The same state and configuration after the same entry. */
  applied(member: MemberId, index: LogIndex, state: number, confState: ConfState): void {
    const text = `${state} ${JSON.stringify(confState, (_, value) => (typeof value === "bigint" ? String(value) : value))}`;
    const known = this.#states.get(index);
    if (known !== undefined && known !== text)
      throw new Error(`member ${member} has ${text} after ${index}, others ${known}`);
    this.#states.set(index, text);
  }

  /** Entries are applied in order and without gaps. */
  inOrder(member: MemberId, before: LogIndex, entry: Entry): void {
    if (entry.index !== before + 1) throw new Error(`member ${member} applies ${entry.index} after ${before}`);
  }

  /** With asynchronous writes a member applies only what its own disk has, so that its state never runs ahead of its log. */
  stored(member: MemberId, entry: Entry, bytes: Uint8Array | undefined): void {
    if (bytes === undefined || Buffer.compare(bytes, encodeEntry(entry)) !== 0) {
      throw new Error(`member ${member} applies ${entry.term}/${entry.index}, which its disk does not have`);
    }
  }

  commitSeen(index: LogIndex): void {
    if (index > this.highestCommit) this.highestCommit = index;
  }

  /** Linearizable reads: an answer covers all that was committed anywhere when it was asked for. */
  readAnswered(member: MemberId, index: LogIndex, committedWhenAsked: LogIndex): void {
    this.readsAnswered++;
    if (index < committedWhenAsked) {
      throw new Error(
        `member ${member} reads at ${index} when ${committedWhenAsked} had been committed before it asked`,
      );
    }
  }

  /** Log matching: logs that agree on one entry agree on all before it (Raft paper, figure 3). */
  logsMatch(logs: readonly MemoryLog[]): void {
    for (const [i, a] of logs.entries()) {
      for (const b of logs.slice(i + 1)) {
        let areEqual = false;
        for (
          let index: number = Math.min(a.lastIndex, b.lastIndex);
          index >= Math.max(a.firstIndex, b.firstIndex);
          index--
        ) {
          const isSame = a.term(index as LogIndex) === b.term(index as LogIndex);
          if (areEqual && !isSame) throw new Error(`logs agree above index ${index} and differ there`);
          areEqual ||= isSame;
        }
      }
    }
  }
}
