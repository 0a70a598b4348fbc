import type { LogIndex, MemberId, Term } from "@quorate/common";
import type { ConfChange, ConfChangeTransition, Snapshot } from "../../src/conf-change.js";
import { RaftError } from "../../src/raft-error.js";
import type { RaftInput } from "../../src/raft-input.js";
import type { RaftOptions } from "../../src/raft-options.js";
import { isTrue } from "./confchange-suite.js";
import { formatEntry, formatMessage, formatProgress, indent, parseChanges, roleNames } from "./format.js";
import { errorText, errorTextOf, type InFlight, InteractionNode, peerMessage } from "./interaction-node.js";
import type { Argument, Directive } from "./script.js";

const electionTicks = 3;
const levels = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"];

/** The world of one file of the interaction suite. Log lines are left out, so the log level is silent or not. */
export class InteractionSuite {
  readonly #nodes: InteractionNode[] = [];
  #inFlight: InFlight[] = [];
  #text = "";
  #isSilent = false;

  run(directive: Directive): string {
    this.#text = "";
    let failure = "";
    try {
      this.#execute(directive);
    } catch (error) {
      if (!(error instanceof Error) || error.constructor !== Error) throw error;
      failure = error.message;
    }
    const answer = this.#text + failure;
    return answer === "" ? "ok" : answer;
  }

  #execute(directive: Directive): void {
    const { command, args, input } = directive;
    switch (command) {
      case "_breakpoint":
        return;
      case "add-nodes":
        this.#addNodes(args);
        return;
      case "campaign":
        this.#step(this.#first(args), { kind: "campaign" });
        return;
      case "propose": {
        const [, data] = args;
        if (args.length !== 2 || data === undefined) throw new Error("expected exactly one key with no vals");
        this.#step(this.#first(args), { kind: "propose", data: new TextEncoder().encode(data.key) });
        return;
      }
      case "propose-conf-change":
        this.#step(this.#first(args), { kind: "propose-conf-change", change: readConfChange(args, input) });
        return;
      case "process-ready":
        this.#forEach(args, "handling Ready", (node) => this.#handleReady(node));
        return;
      case "process-append-thread":
        this.#forEach(args, "processing append thread", (node) => this.#processWork(node, "append"));
        return;
      case "process-apply-thread":
        this.#forEach(args, "processing apply thread", (node) => this.#processWork(node, "apply"));
        return;
      case "deliver-msgs":
        this.#deliver(args);
        return;
      case "stabilize":
        this.#stabilize(args);
        return;
      case "log-level":
        this.#setLevel(args[0]?.key ?? "");
        return;
      case "tick-election":
        for (let i = 0; i < electionTicks; i++) this.#step(this.#first(args), { kind: "tick" });
        return;
      case "tick-heartbeat":
        this.#step(this.#first(args), { kind: "tick" });
        return;
      case "set-randomized-election-timeout":
        this.#first(args).core.setElectionTimeout(Number(argumentOf(args, "timeout")));
        return;
      case "transfer-leadership": {
        const [from, to] = [argumentOf(args, "from"), argumentOf(args, "to")];
        this.#step(this.#node(from ?? ""), { kind: "transfer", to: BigInt(to ?? "") as MemberId });
        return;
      }
      case "forget-leader":
        this.#step(this.#first(args), { kind: "forget-leader" });
        return;
      case "report-unreachable": {
        const peer = args[1];
        if (args.length !== 2 || peer === undefined) {
          throw new Error("must specify exactly two node indexes: node on which to report, and reported node");
        }
        this.#step(this.#first(args), { kind: "unreachable", peer: BigInt(peer.key) as MemberId });
        return;
      }
      default:
        this.#inspect(directive);
    }
  }

  /** Commands that show something, or act behind a core's back. */
  #inspect(directive: Directive): void {
    const { command, args } = directive;
    switch (command) {
      case "send-snapshot":
        this.#sendSnapshot(args);
        return;
      case "compact":
        this.#compact(this.#first(args), Number(args[1]?.key));
        return;
      case "raft-log":
        this.#printLog(this.#first(args));
        return;
      case "raft-state":
        for (const { core, id } of this.#nodes) {
          const { role, term, leader, confState } = core.status();
          const isVoter = confState.voters.includes(id) || confState.votersOutgoing.includes(id);
          this.#print(
            `${id}: ${roleNames[role]} (${isVoter ? "Voter" : "Non-Voter"}) Term:${term} Lead:${leader ?? 0}\n`,
          );
        }
        return;
      case "status":
        for (const progress of this.#first(args).core.status().progress) this.#print(`${formatProgress(progress)}\n`);
        return;
      default:
        throw new Error("unknown command");
    }
  }

  #print(text: string): void {
    if (!this.#isSilent) this.#text += text;
  }

  /** Two spaces in front of every line that `run` prints, and a newline behind the last. */
  #indented(run: () => void): void {
    const before = this.#text;
    this.#text = "";
    let inner: string;
    try {
      run();
    } finally {
      inner = this.#text;
      this.#text = before;
      if (inner !== "") this.#print(`${indent(inner.replace(/\n$/, ""))}\n`);
    }
  }

  #node(id: string): InteractionNode {
    const node = this.#nodes[Number(id) - 1];
    if (node === undefined) throw new Error(`unknown node ${id}`);
    return node;
  }

  #first(args: readonly Argument[]): InteractionNode {
    return this.#node(args[0]?.key ?? "");
  }

  #step(node: InteractionNode, input: RaftInput): void {
    const fault = node.core.step(input);
    const text = fault === undefined ? undefined : errorTextOf(fault);
    if (text !== undefined) throw new Error(text);
  }

  #addNodes(args: readonly Argument[]): void {
    const ids = (key: string): readonly MemberId[] =>
      (args.find((arg) => arg.key === key)?.values ?? []).map((id) => BigInt(id) as MemberId);
    const voters = ids("voters");
    const learners = ids("learners");
    const index = Number(argumentOf(args, "index") ?? 0) as LogIndex;
    let snapshot: Snapshot | undefined;
    if (voters.length > 0 || learners.length > 0 || index > 0) {
      if (index <= 1) throw new Error("index must be specified as > 1 due to bootstrap");
      const confState = { voters, votersOutgoing: [], learners, learnersNext: [], autoLeave: false };
      snapshot = { index, term: 1 as Term, confState, data: new Uint8Array(0) };
    }
    const isAsync = isTrue(argumentOf(args, "async-storage-writes") ?? "false");
    for (let count = Number(args[0]?.key); count > 0; count--) {
      const id = BigInt(this.#nodes.length + 1) as MemberId;
      this.#nodes.push(new InteractionNode({ ...readOptions(args), id }, { snapshot, isAsync }));
    }
  }

  #forEach(args: readonly Argument[], title: string, run: (node: InteractionNode) => void): void {
    const nodes = args.map(({ key }) => this.#node(key));
    for (const node of nodes) {
      if (nodes.length === 1) run(node);
      else this.#titled(node, title, () => run(node));
    }
  }

  #titled(node: InteractionNode, title: string, run: () => void): void {
    this.#print(`> ${node.id} ${title}\n`);
    this.#indented(run);
  }

  #handleReady(node: InteractionNode): void {
    const { text, finish } = node.takeReady();
    this.#print(text);
    this.#inFlight.push(...finish());
  }

  #processWork(node: InteractionNode, kind: "append" | "apply"): void {
    const work = (kind === "append" ? node.appendWork : node.applyWork).shift();
    if (work === undefined) {
      this.#print(`no ${kind} work to perform`);
      return;
    }
    this.#print(`Processing:\n${formatMessage(work.flat)}\n`);
    work.run();
    this.#print("Responses:\n");
    for (const response of work.responses) this.#print(`${formatMessage(response.flat)}\n`);
    this.#inFlight.push(...work.responses);
  }

  #deliver(args: readonly Argument[]): void {
    const type = argumentOf(args, "type");
    const recipients: { id: MemberId; isDrop: boolean }[] = [];
    for (const { key, values } of args) {
      if (key === "type") continue;
      const isDrop = key === "drop";
      for (const id of isDrop ? values : [key]) recipients.push({ id: BigInt(id) as MemberId, isDrop });
    }
    let count = 0;
    for (const { id, isDrop } of recipients) count += this.#deliverTo(id, { type, isDrop });
    if (count === 0) this.#print("no messages\n");
  }

  #deliverTo(id: MemberId, options: Readonly<{ type: string | undefined; isDrop: boolean }>): number {
    const { type, isDrop } = options;
    const isMeant = (message: InFlight): boolean =>
      message.to === id && (type === undefined || message.flat.type === type) && !(isDrop && message.isLocal);
    const taken = this.#inFlight.filter(isMeant);
    this.#inFlight = this.#inFlight.filter((message) => !isMeant(message));
    for (const message of taken) {
      this.#print(`${isDrop ? "dropped: " : ""}${formatMessage(message.flat)}\n`);
      const failure = isDrop ? undefined : this.#node(id.toString()).deliver(message);
      if (failure !== undefined) this.#print(`${failure}\n`);
    }
    return taken.length;
  }

  #stabilize(args: readonly Argument[]): void {
    const level = argumentOf(args, "log-level");
    const ids = args.filter(({ key }) => key !== "log-level");
    const nodes = ids.length === 0 ? this.#nodes : ids.map(({ key }) => this.#node(key));
    const before = this.#isSilent;
    try {
      if (level !== undefined) this.#setLevel(level);
      while (this.#stabilizeOnce(nodes)) {}
    } finally {
      this.#isSilent = before;
    }
  }

  /** @returns false when there was nothing to do. */
  #stabilizeOnce(nodes: readonly InteractionNode[]): boolean {
    let isBusy = false;
    const doFor = (
      isReady: (node: InteractionNode) => boolean,
      title: string,
      run: (n: InteractionNode) => void,
    ): void => {
      for (const node of nodes) {
        if (!isReady(node)) continue;
        isBusy = true;
        this.#titled(node, title, () => run(node));
      }
    };
    doFor(
      (node) => node.core.hasWork,
      "handling Ready",
      (node) => this.#handleReady(node),
    );
    doFor(
      (node) => this.#inFlight.some(({ to }) => to === node.id),
      "receiving messages",
      (node) => this.#deliverTo(node.id, { type: undefined, isDrop: false }),
    );
    for (const kind of ["append", "apply"] as const) {
      const queue = (node: InteractionNode): unknown[] => (kind === "append" ? node.appendWork : node.applyWork);
      doFor(
        (node) => queue(node).length > 0,
        `processing ${kind} thread`,
        (node) => {
          while (queue(node).length > 0) this.#processWork(node, kind);
        },
      );
    }
    return isBusy;
  }

  #setLevel(name: string): void {
    if (!levels.includes(name.toUpperCase())) throw new Error(`log levels must be either of [${levels.join(" ")}]`);
    this.#isSilent = name.toUpperCase() === "NONE";
  }

  #sendSnapshot(args: readonly Argument[]): void {
    const from = this.#first(args);
    const to = BigInt(args[1]?.key ?? "") as MemberId;
    const snapshot = from.history.at(-1) as Snapshot;
    const message = peerMessage({ from: from.id, to, message: { kind: "snapshot", term: from.core.term, snapshot } });
    this.#inFlight.push(message);
    this.#print(formatMessage(message.flat));
  }

  #compact(node: InteractionNode, index: number): void {
    try {
      node.store.compact(index as LogIndex);
    } catch (error) {
      if (error instanceof RaftError) throw new Error(errorText(error.fault), { cause: error });
      throw error;
    }
    this.#printLog(node);
  }

  #printLog(node: InteractionNode): void {
    const { firstIndex, lastIndex } = node.store;
    if (lastIndex < firstIndex) {
      this.#print(`log is empty: first index=${firstIndex}, last index=${lastIndex}`);
      return;
    }
    const entries = node.store.entries(firstIndex, (lastIndex + 1) as LogIndex, Number.POSITIVE_INFINITY);
    this.#print(entries.map((entry) => `${formatEntry(entry)}\n`).join(""));
  }
}

function argumentOf(args: readonly Argument[], key: string): string | undefined {
  return args.find((arg) => arg.key === key)?.values[0];
}

function readOptions(args: readonly Argument[]): Omit<RaftOptions, "start" | "id"> {
  const isOn = (key: string): boolean => isTrue(argumentOf(args, key) ?? "false");
  const reads = argumentOf(args, "read-only") ?? "safe";
  if (reads !== "safe" && reads !== "lease-based") throw new Error(`invalid read-only option "${reads}"`);
  const none = Number.POSITIVE_INFINITY;
  // 0 stands for the largest message, which has no limit here.
  const applyingBytesMax = Number(argumentOf(args, "max-committed-size-per-ready") ?? 0) || none;
  return {
    electionTicks,
    heartbeatTicks: 1,
    isPreVoteOn: isOn("prevote"),
    isCheckQuorumOn: isOn("checkquorum"),
    reads,
    messageBytesMax: none,
    inflightMessagesMax: Number(argumentOf(args, "inflight") ?? 2 ** 31 - 1),
    inflightBytesMax: none,
    uncommittedBytesMax: none,
    applyingBytesMax,
    isConfChangeValidationOn: !isOn("disable-conf-change-validation"),
    isStepDownOnRemovalOn: isOn("step-down-on-removal"),
  };
}

function readConfChange(args: readonly Argument[], input: string): ConfChange {
  const changes = parseChanges(input);
  const context = new Uint8Array(0);
  const given = argumentOf(args, "transition");
  if (isTrue(argumentOf(args, "v1") ?? "false")) {
    const [change] = changes;
    if (changes.length > 1 || change === undefined || given !== undefined) {
      throw new Error("v1 conf change can only have one operation and no transition");
    }
    return { version: 1, change, context };
  }
  const transition = (["auto", "explicit", "implicit"] as ConfChangeTransition[]).find(
    (name) => name === (given ?? "auto"),
  );
  if (transition === undefined) throw new Error(`unknown transition ${given}`);
  return { version: 2, transition, changes, context };
}
