import type { Clock, Logger, MemberId, PeerNetwork, Timer } from "@quorate/common";
import { MembershippbClusterVersionSetRequest as ClusterVersionSetRequest } from "@quorate/proto";
import { EntryField } from "./entry-codec.js";
import type { MemberState } from "./member-state.js";
import { encodeQuestion, PeerQuestion, type PeerQuestions } from "./peer-questions.js";
import type { Proposer } from "./proposer.js";

/** How often the leader asks all members for their versions. */
const lookEveryMs = 4000;
const askMs = 1000;
/** What the members agree on when somebody cannot be asked. */
const lowest = "3.0.0";
const nothing = new Uint8Array(0);

type VersionParts = Readonly<{
  state: MemberState;
  proposer: Proposer;
  questions: PeerQuestions;
  isLeader(): boolean;
}>;

/**
 * Keeps the version that the cluster as a whole has: the least of its members' `major.minor`. The leader asks them, and puts a version into the log that
 * may only rise.
 * @see etcd 3.7.1, version.Monitor.
 */
export class VersionKeeper {
  readonly #parts: VersionParts;
  readonly #own: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #network: PeerNetwork | undefined;
  #told: string | undefined;
  #timer: Timer | undefined;
  #isAsking = false;
  #isStopped = false;

  /** @param options the server's own version, `3.7.1`. */
  constructor(
    parts: VersionParts,
    options: { version: string },
    ports: { clock: Clock; logger: Logger; network?: PeerNetwork | undefined },
  ) {
    this.#parts = parts;
    this.#own = options.version;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#network = ports.network;
    this.#told = parts.state.membership.clusterVersion;
    parts.questions.register(PeerQuestion.serverVersion, () => Promise.resolve(Buffer.from(this.#own)));
  }

  /** This member leads: looks at once, and then again and again. */
  look(): void {
    this.#timer?.cancel();
    if (this.#isStopped) return;
    this.#timer = this.#clock.after(lookEveryMs, () => this.look());
    if (!this.#parts.isLeader() || this.#isAsking) return;
    const others = this.#parts.state.membership.list().filter(({ id }) => id !== this.#parts.state.member);
    if (others.length === 0) return this.#decide([this.#own]);
    this.#isAsking = true;
    Promise.all(others.map(({ id }) => this.#ask(id))).then((versions) => {
      this.#isAsking = false;
      if (!this.#isStopped && this.#parts.isLeader()) this.#decide([this.#own, ...versions]);
    });
  }

  /** Entries have been applied: tells of a new version. */
  applied(): void {
    const { clusterVersion } = this.#parts.state.membership;
    if (clusterVersion === this.#told) return;
    const ids = { "cluster-id": hex(this.#parts.state.cluster), "local-member-id": hex(this.#parts.state.member) };
    if (this.#told === undefined) {
      this.#logger.info("set initial cluster version", { ...ids, "cluster-version": clusterVersion });
    } else this.#logger.info("updated cluster version", { ...ids, from: this.#told, to: clusterVersion });
    this.#logger.info("enabled capabilities for version", { "cluster-version": clusterVersion });
    if (this.#told !== undefined)
      this.#logger.info("cluster version is updated", { "cluster-version": clusterVersion });
    this.#told = clusterVersion;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** @returns undefined when that member cannot be asked. */
  async #ask(member: MemberId): Promise<string | undefined> {
    try {
      const question = encodeQuestion(PeerQuestion.serverVersion, nothing);
      const answer = await this.#network?.ask(member, question, { timeoutMs: askMs });
      return answer === undefined ? undefined : Buffer.from(answer).toString();
    } catch (error) {
      this.#logger.warn("failed to get version", { "remote-member-id": hex(member), error: String(error) });
      return undefined;
    }
  }

  #decide(versions: readonly (string | undefined)[]): void {
    const { clusterVersion } = this.#parts.state.membership;
    const least = leastOf(versions);
    if (clusterVersion === undefined) {
      const first = least ?? lowest;
      this.#logger.info("setting up initial cluster version using v3 API", { "cluster-version": first });
      return this.#propose(first);
    }
    if (least === undefined || rankOf(least) <= rankOf(clusterVersion)) return;
    this.#logger.info("updating cluster version using v3 API", { from: clusterVersion, to: least });
    this.#propose(least);
  }

  #propose(version: string): void {
    this.#parts.proposer.propose(EntryField.clusterVersionSet, ClusterVersionSetRequest.encode({ ver: version }));
  }
}

/** The lowest, without its last number; undefined when one is not known. */
function leastOf(versions: readonly (string | undefined)[]): string | undefined {
  let least: string | undefined;
  for (const version of versions) {
    const found = /^(\d+)\.(\d+)\./.exec(version ?? "");
    if (found === null) return undefined;
    const short = `${found[1]}.${found[2]}.0`;
    if (least === undefined || rankOf(short) < rankOf(least)) least = short;
  }
  return least;
}

function rankOf(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major * 1000 + minor;
}

function hex(id: bigint): string {
  return id.toString(16);
}
