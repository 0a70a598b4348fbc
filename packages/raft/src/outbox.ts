import type { MemberId } from "@quorate/common";
import type { Envelope, RaftMessage } from "./message.js";
import type { RaftFault } from "./raft-error.js";
import type { RaftEvent } from "./raft-event.js";
import type { OwnPromise } from "./raft-input.js";
import type { ReadState } from "./ready.js";

const nothing: readonly never[] = Object.freeze([]);

/** What an outbox hands over. */
export type OutboxContents = Readonly<{
  sendNow: readonly Envelope[];
  sendAfterPersist: readonly Envelope[];
  own: readonly OwnPromise[];
  readStates: readonly ReadState[];
  refused: readonly RaftFault[];
  events: readonly RaftEvent[];
}>;

/** Everything a core has to say since the last Ready, in the order in which it came up. */
export class Outbox {
  sendNow: Envelope[] = [];
  sendAfterPersist: Envelope[] = [];
  own: OwnPromise[] = [];
  readStates: ReadState[] = [];
  refused: RaftFault[] = [];
  events: RaftEvent[] = [];

  /** True when there are messages or read states: those call for a Ready, while refusals and events ride along. */
  get hasWork(): boolean {
    return (
      this.sendNow.length > 0 || this.sendAfterPersist.length > 0 || this.own.length > 0 || this.readStates.length > 0
    );
  }

  get isEmpty(): boolean {
    return !this.hasWork && this.refused.length === 0 && this.events.length === 0;
  }

  send(from: MemberId, to: MemberId, message: RaftMessage): void {
    this.sendNow.push({ from, to, message });
  }

  sendOncePersisted(from: MemberId, to: MemberId, message: RaftMessage): void {
    this.sendAfterPersist.push({ from, to, message });
  }

  refuse(fault: RaftFault): RaftFault {
    this.refused.push(fault);
    return fault;
  }

  /** Hands everything over. What is handed out is never touched again, so an empty list is one that nobody can fill. */
  take(): OutboxContents {
    const { sendNow, sendAfterPersist, own, readStates, refused, events } = this;
    if (sendNow.length > 0) this.sendNow = [];
    if (sendAfterPersist.length > 0) this.sendAfterPersist = [];
    if (own.length > 0) this.own = [];
    if (readStates.length > 0) this.readStates = [];
    if (refused.length > 0) this.refused = [];
    if (events.length > 0) this.events = [];
    return {
      sendNow: sendNow.length > 0 ? sendNow : nothing,
      sendAfterPersist: sendAfterPersist.length > 0 ? sendAfterPersist : nothing,
      own: own.length > 0 ? own : nothing,
      readStates: readStates.length > 0 ? readStates : nothing,
      refused: refused.length > 0 ? refused : nothing,
      events: events.length > 0 ? events : nothing,
    };
  }
}
