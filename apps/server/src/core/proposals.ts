import type { Clock } from "@quorate/common";
import type { ConfChange, RaftFault, RaftInput } from "@quorate/raft";
import type { Fault } from "../public-errors.js";
import { stampConfChange } from "./conf-change-request.js";
import type { CoreObserver } from "./core-options.js";
import { isWorthHolding } from "./driver.js";
import { type HeldInput, HeldProposals } from "./held-proposals.js";
import type { Leadership } from "./leadership.js";
import type { RequestSerial } from "./request-serial.js";
import type { Tracing } from "./tracing.js";

/** What proposals need of the rest of a core. */
export type ProposalParts = Readonly<{
  serial: RequestSerial;
  leadership: Leadership;
  push(input: RaftInput): void;
  fail(serial: number, fault: Fault): void;
  /** A change of the members came while another was under way. False when nobody here wants to try again. */
  isRetried(serial: number): boolean;
}>;

/** What this member asks to have in the log, until it is carried, refused or given up. The answer comes when it is applied. */
export class Proposals {
  readonly #parts: ProposalParts;
  readonly #held: HeldProposals;
  readonly #clock: Clock;
  readonly #observe: CoreObserver;
  readonly #tracing: Tracing;

  constructor(
    parts: ProposalParts,
    options: { requestTimeoutMs: number },
    ports: { clock: Clock; observe: CoreObserver; tracing: Tracing },
  ) {
    this.#parts = parts;
    this.#held = new HeldProposals(options, ports);
    this.#clock = ports.clock;
    this.#observe = ports.observe;
    this.#tracing = ports.tracing;
  }

  propose(entry: Uint8Array, serial: number): void {
    this.#parts.push({ kind: "propose", data: entry, proposalId: serial });
  }

  proposeConfChange(change: ConfChange, serial: number): void {
    const stamped = stampConfChange(change, { member: this.#parts.serial.member, serial });
    this.#parts.push({ kind: "propose-conf-change", change: stamped, proposalId: serial });
  }

  /** These found nobody to lead them: they wait. */
  unplaced(inputs: readonly HeldInput[]): void {
    for (const input of inputs) {
      if (this.#held.hold(input) || input.kind === "message" || input.proposalId === undefined) continue;
      this.#fail(input.proposalId, { code: "server/too-many-requests" });
    }
  }

  /** There may be somebody to lead what waits. */
  release(): void {
    if (this.#held.size === 0 || this.#parts.leadership.leader === undefined) return;
    for (const input of this.#held.release()) this.#parts.push(input);
  }

  /** The consensus core will not carry this. What it may carry later is held, not refused. */
  refused(fault: RaftFault): void {
    if (!("proposalId" in fault) || fault.proposalId === undefined) return;
    if (fault.code === "raft/conf-change-refused" && this.#parts.isRetried(fault.proposalId)) return;
    if (fault.code !== "raft/proposal-dropped") return this.#fail(fault.proposalId, fault);
    if (isWorthHolding(fault.reason)) return;
    const isOverload = fault.reason === "uncommitted-limit";
    this.#fail(fault.proposalId, isOverload ? { code: "server/too-many-requests" } : fault);
  }

  /** The caller of a proposal waits no longer. */
  giveUp(serial: number, waitedMs: number): void {
    if (this.#held.giveUp(serial)) return this.#fail(serial, { code: "server/deadline" });
    this.#fail(serial, this.#parts.leadership.timeoutFault(this.#clock.monotonicMs() - waitedMs));
  }

  /** The caller has gone: what is still held is not proposed any more. */
  cancel(serial: number): void {
    this.#held.giveUp(serial);
  }

  #fail(serial: number, fault: Fault): void {
    this.#observe.proposalFailed();
    this.#tracing.dropped(serial, fault.code);
    this.#parts.fail(serial, fault);
  }
}
