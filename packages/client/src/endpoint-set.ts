import { ClientError } from "./client-error.js";
import type { Clock } from "./clock.js";
import type { Endpoint } from "./endpoint.js";
import type { Transport } from "./transport.js";

/** How an endpoint has done lately. */
export type EndpointState = {
  readonly url: string;
  /** False after a failure of the connection or of the member, until a call succeeds. */
  readonly isHealthy: boolean;
  /** Failures since the last success. */
  readonly failures: number;
  readonly lastError: string | undefined;
};

/** An endpoint in use. */
export type Connection = { readonly endpoint: Endpoint; readonly transport: Transport };

type Slot = { connection: Connection; failures: number; avoidUntilMs: number; lastError: string | undefined };

const avoidFirstMs = 100;
const avoidMaxMs = 10_000;

/**
 * The endpoints of a client, each with its own connection. Calls take turns over those that work; one that failed is left out for
 * a while that doubles with each failure, and asked all the same when no other is left.
 */
export class EndpointSet {
  readonly #open: (endpoint: Endpoint) => Transport;
  readonly #clock: Clock;
  #slots: Slot[] = [];
  #turn = 0;

  constructor(endpoints: readonly Endpoint[], ports: { open: (endpoint: Endpoint) => Transport; clock: Clock }) {
    this.#open = ports.open;
    this.#clock = ports.clock;
    this.replace(endpoints);
  }

  /** Connections to endpoints that stay are kept; those of the others are closed, with the calls they carry. */
  replace(endpoints: readonly Endpoint[]): void {
    if (endpoints.length === 0) {
      throw new ClientError({ code: "client/bad-option", message: "a client needs at least one endpoint" });
    }
    const before = new Map(this.#slots.map((slot) => [slot.connection.endpoint.url, slot]));
    const unique = [...new Map(endpoints.map((one) => [one.url, one])).values()];
    this.#slots = unique.map((endpoint) => {
      const kept = before.get(endpoint.url);
      before.delete(endpoint.url);
      return kept ?? this.#newSlot(endpoint);
    });
    for (const slot of before.values()) slot.connection.transport.close();
  }

  /**
   * The next endpoint to ask.
   * @param url asks this one and no other.
   * @param not passed over when there is another that works.
   * @throws ClientError "client/bad-endpoint" for a URL that is not among the client's.
   */
  pick(url?: string, not?: Connection): Connection {
    if (url !== undefined) {
      const slot = this.#slots.find((one) => one.connection.endpoint.url === url);
      if (slot !== undefined) return slot.connection;
      const message = `"${url}" is not among the client's endpoints`;
      throw new ClientError({ code: "client/bad-endpoint", message });
    }
    const nowMs = this.#clock.nowMs();
    let best: Slot | undefined;
    for (let step = 0; step < this.#slots.length; step += 1) {
      const slot = this.#slots[(this.#turn + step) % this.#slots.length] as Slot;
      if (slot.avoidUntilMs <= nowMs && slot.connection !== not) {
        this.#turn = (this.#turn + step + 1) % this.#slots.length;
        return slot.connection;
      }
      if (best === undefined || slot.avoidUntilMs < best.avoidUntilMs) best = slot;
    }
    return (best as Slot).connection;
  }

  succeeded(connection: Connection): void {
    const slot = this.#slotOf(connection);
    if (slot === undefined || slot.failures === 0) return;
    slot.failures = 0;
    slot.avoidUntilMs = 0;
    slot.lastError = undefined;
  }

  failed(connection: Connection, why: string): void {
    const slot = this.#slotOf(connection);
    if (slot === undefined) return;
    slot.failures += 1;
    slot.lastError = why;
    slot.avoidUntilMs = this.#clock.nowMs() + Math.min(avoidMaxMs, avoidFirstMs * 2 ** Math.min(slot.failures - 1, 20));
  }

  get size(): number {
    return this.#slots.length;
  }

  states(): EndpointState[] {
    return this.#slots.map(({ connection, failures, lastError }) => ({
      url: connection.endpoint.url,
      isHealthy: failures === 0,
      failures,
      lastError,
    }));
  }

  urls(): string[] {
    return this.#slots.map((slot) => slot.connection.endpoint.url);
  }

  close(): void {
    for (const slot of this.#slots) slot.connection.transport.close();
  }

  #newSlot(endpoint: Endpoint): Slot {
    const connection = { endpoint, transport: this.#open(endpoint) };
    return { connection, failures: 0, avoidUntilMs: 0, lastError: undefined };
  }

  #slotOf(connection: Connection): Slot | undefined {
    return this.#slots.find((slot) => slot.connection === connection);
  }
}
