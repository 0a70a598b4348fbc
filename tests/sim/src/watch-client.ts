import type { MemberId } from "@quorate/common";
import { WatchRequest, WatchResponse } from "@quorate/proto";
import type { HistoryRevision, KeyEvent } from "@quorate/testkit";
import type { OperationLog } from "./operation-log.js";
import { SimFailure } from "./sim-failure.js";
import type { SimWorld } from "./sim-world.js";
import { latin1 } from "./truth.js";
import { bytesOf } from "./wire.js";

const silenceMs = 1500;

/** A client that watches for ever: when its stream ends, falls silent or is closed for fun it goes on at another member, after the last event it has. */
export class WatchClient {
  readonly #world: SimWorld;
  readonly #log: OperationLog;
  readonly #range: Readonly<{ key: string; end: string }>;
  readonly #seen: { revision: number; event: KeyEvent }[] = [];
  readonly #gaps: { from: number; to: number }[] = [];
  #next = 2;
  /** The server has promised that nothing at or below comes any more. */
  #promised = 1;
  #stream: { write(message: Uint8Array): void; close(): void } | undefined;
  #heardMs = 0;
  /** Counts the streams, so that a late word of an old one is not taken for one of the present one. */
  #life = 0;
  reconnects = 0;

  constructor(parts: { world: SimWorld; log: OperationLog; range: { key: string; end: string } }) {
    this.#world = parts.world;
    this.#log = parts.log;
    this.#range = parts.range;
  }

  get events(): number {
    return this.#seen.length;
  }

  /** Everything up to this revision has been delivered, if it concerned the range. */
  get reached(): number {
    return Math.max(this.#promised, this.#next - 1);
  }

  start(): void {
    this.#connect();
    this.#look();
  }

  /** Asks how far the watch is. */
  askProgress(): void {
    this.#stream?.write(WatchRequest.encode({ requestUnion: { kind: "progressRequest", value: {} } }));
  }

  /** @throws SimFailure unless the events are those of the history, each once and in order. */
  check(revisions: readonly HistoryRevision[]): void {
    const expected: string[] = [];
    for (const { revision, events } of revisions) {
      if (revision > this.reached || this.#gaps.some(({ from, to }) => revision >= from && revision <= to)) continue;
      for (const event of events) if (this.#covers(event.key)) expected.push(show(revision, event));
    }
    const seen = this.#seen.map(({ revision, event }) => show(revision, event));
    for (let at = 0; at < Math.max(expected.length, seen.length); at++) {
      if (expected[at] === seen[at]) continue;
      const text = `event ${at} is ${seen[at] ?? "missing"}, the history has ${expected[at] ?? "nothing"}`;
      throw new SimFailure("gapless watches", text);
    }
  }

  #covers(key: string): boolean {
    return key >= this.#range.key && key < this.#range.end;
  }

  #connect(): void {
    const world = this.#world;
    const life = ++this.#life;
    const at = world.pick(world.random.integer(0, 59)) as MemberId;
    const isPresent = (): boolean => life === this.#life;
    this.#heardMs = world.nowMs();
    this.#stream = world.stream(at, "/etcdserverpb.Watch/Watch", {
      message: (message) => {
        if (isPresent()) this.#heard(WatchResponse.decode(message));
      },
      ended: () => {
        if (isPresent()) this.#again(world.random.integer(1, 300));
      },
    });
    this.#stream.write(
      WatchRequest.encode({
        requestUnion: {
          kind: "createRequest",
          value: {
            key: bytesOf(this.#range.key),
            rangeEnd: bytesOf(this.#range.end),
            startRevision: BigInt(this.reached + 1),
            progressNotify: false,
            filters: [],
            prevKv: false,
            watchId: 0n,
            fragment: false,
          },
        },
      }),
    );
  }

  #again(afterMs: number): void {
    this.#life += 1;
    this.reconnects += 1;
    this.#stream?.close();
    this.#stream = undefined;
    this.#world.cluster.clock.after(afterMs, () => this.#connect());
  }

  /** Now and then asks for progress; goes elsewhere when nothing is heard, and sometimes for no reason. */
  #look(): void {
    const world = this.#world;
    world.cluster.clock.after(500, () => {
      if (this.#stream !== undefined) {
        const isSilent = world.nowMs() - this.#heardMs > silenceMs;
        if (isSilent || world.random.chance(0.05)) this.#again(1);
        else this.askProgress();
      }
      this.#look();
    });
  }

  #heard(response: WatchResponse): void {
    this.#heardMs = this.#world.nowMs();
    const revision = Number(response.header?.revision ?? 0n);
    if (response.canceled) {
      const compacted = Number(response.compactRevision);
      if (compacted > this.reached + 1) {
        this.#gaps.push({ from: this.reached + 1, to: compacted - 1 });
        this.#next = compacted;
      }
      return this.#again(50);
    }
    this.#log.saw(revision);
    if (response.events.length === 0) {
      if (!response.created && revision > this.#promised) this.#promised = revision;
      return;
    }
    for (const { type, kv } of response.events) {
      const key = latin1(kv?.key ?? new Uint8Array(0));
      const at = Number(kv?.modRevision ?? 0n);
      if (at < this.#next || at <= this.#promised) {
        throw new SimFailure(
          "ordered watches",
          `an event of ${at} comes after ${this.#next - 1}, promised ${this.#promised}`,
        );
      }
      const isDelete = Number(type) === 1;
      const value = latin1(kv?.value ?? new Uint8Array(0));
      const event: KeyEvent = isDelete ? { kind: "delete", key } : { kind: "put", key, value, lease: kv?.lease ?? 0n };
      this.#seen.push({ revision: at, event });
    }
    this.#next = (this.#seen.at(-1)?.revision ?? 0) + 1;
  }
}

function show(revision: number, event: KeyEvent): string {
  return event.kind === "delete"
    ? `${revision} delete ${event.key}`
    : `${revision} put ${event.key}=${event.value} ${event.lease}`;
}
