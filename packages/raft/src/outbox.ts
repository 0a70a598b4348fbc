import type { MemberId } from "@quorate/common";
import type { Envelope, RaftMessage } from "./message.js";
import type { RaftFault } from "./raft-error.js";
import type { RaftEvent } from "./raft-event.js";
import type { OwnPromise } from "./raft-input.js";
import type { ReadState } from "./ready.js";

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

  /** Everything was handed out. The arrays belong to the Ready now. */
  clear(): void {
    if (this.sendNow.length > 0) this.sendNow = [];
    if (this.sendAfterPersist.length > 0) this.sendAfterPersist = [];
    if (this.own.length > 0) this.own = [];
    if (this.readStates.length > 0) this.readStates = [];
    if (this.refused.length > 0) this.refused = [];
    if (this.events.length > 0) this.events = [];
  }
}
