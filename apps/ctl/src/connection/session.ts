import { type CallOptions, type Client, ClientError, type Rpc } from "@quorate/client";
import { logLine } from "../output/log-line.js";
import type { World } from "../world.js";
import { deadlineText, errorText, statusText } from "./go-error.js";

/** Time for a request that has no bound. */
export const noTimeout = Number.POSITIVE_INFINITY;

/** A command's connection to the cluster. */
export class Session {
  /** For what `call` does not do: watches, leases that are kept alive, streams. */
  readonly client: Client;
  readonly #endpoints: readonly string[];
  readonly #world: World;

  constructor(client: Client, endpoints: readonly string[], world: World) {
    this.client = client;
    this.#endpoints = endpoints;
    this.#world = world;
  }

  /** The endpoints as they were given. */
  get endpoints(): readonly string[] {
    return this.#endpoints;
  }

  /**
   * One request, repeated until it is answered, refused, or the time is up. A failure leaves a line in the log on standard error.
   * @throws ClientError; `errorText` has the words for it, and the frame prints it when a command does not catch it.
   */
  async call<Request, Answer>(
    rpc: Rpc<Request, Answer>,
    request: Partial<Request>,
    options: CallOptions & { readonly timeoutMs: number },
  ): Promise<Answer> {
    try {
      if (options.timeoutMs <= 0) {
        throw new ClientError({
          code: "client/deadline",
          message: "there was no time for it",
          status: 4,
          method: rpc.path,
        });
      }
      return await this.client.call(rpc, request, options);
    } catch (error) {
      if (error instanceof ClientError) this.#logFailure(error);
      throw error;
    }
  }

  close(): void {
    this.client.close();
  }

  #logFailure(error: ClientError): void {
    const target = this.#endpoints[0] ?? "";
    const why =
      errorText(error) === deadlineText
        ? `rpc error: code = DeadlineExceeded desc = ${error.message}`
        : statusText(error);
    const fields = { target, peer: error.endpoint ?? "", method: error.method ?? "", attempt: 0, error: why };
    const message = "retrying of unary invoker failed";
    this.#world.stderr.write(logLine(this.#world, { level: "warn", logger: "etcd-client", message, fields }));
  }
}
