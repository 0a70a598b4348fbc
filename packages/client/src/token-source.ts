import type { ClientError } from "./client-error.js";

/** Who the client is. */
export type Credentials =
  | { readonly user: string; readonly password: string }
  /** A token that was got elsewhere. It is not renewed. */
  | { readonly token: string };

/** Fetches a token; `undefined` when the members do not ask for any. */
export type Authenticate = (
  user: string,
  password: string,
  signal: AbortSignal | undefined,
) => Promise<string | undefined>;

/**
 * Keeps one token for all calls. It is fetched by the first call that needs it, once however many wait, and again after a
 * member has refused it.
 */
export class TokenSource {
  readonly #credentials: Credentials | undefined;
  readonly #authenticate: Authenticate;
  #token: string | undefined;
  #isKnown = false;
  #fetching: Promise<void> | undefined;

  constructor(credentials: Credentials | undefined, authenticate: Authenticate) {
    this.#credentials = credentials;
    this.#authenticate = authenticate;
  }

  /** Whether a refused token can be replaced. */
  get canRenew(): boolean {
    return this.#credentials !== undefined && "user" in this.#credentials;
  }

  /** The token if no fetch is needed, so that the usual call waits for nothing. */
  get isReady(): boolean {
    return this.#isKnown || !this.canRenew;
  }

  /** The token as it is now. */
  get current(): string | undefined {
    return this.#credentials !== undefined && "token" in this.#credentials ? this.#credentials.token : this.#token;
  }

  /** Fetches the token unless it is there. @throws ClientError what Authenticate answered. */
  async fetch(): Promise<void> {
    const credentials = this.#credentials;
    if (this.isReady || credentials === undefined || !("user" in credentials)) return;
    // Not bound to the signal of one caller: others wait for the same answer.
    this.#fetching ??= this.#authenticate(credentials.user, credentials.password, undefined)
      .then((token) => {
        this.#token = token;
        this.#isKnown = true;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    await this.#fetching;
  }

  /** Forgets a token that was refused, unless it has been replaced already. */
  refused(token: string | undefined): void {
    if (this.canRenew && token === this.#token) this.#isKnown = false;
  }
}

/** Whether members do without tokens: authentication is off. */
export function isAuthOff(error: ClientError): boolean {
  return error.code === "etcd/auth-not-enabled";
}
