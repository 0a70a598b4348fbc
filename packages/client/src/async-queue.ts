/** What a reader waits for. */
type Waiter<T> = { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void };

/**
 * From callbacks to an async iterator: keeps what comes while nobody reads. Whoever fills it watches `length` and stops in time.
 * One that has failed still hands out what came before.
 */
export class AsyncQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #items: T[] = [];
  readonly #waiters: Waiter<T>[] = [];
  readonly #onRead: (item: T) => void;
  readonly #onReturn: () => void;
  #end: { readonly error: unknown } | undefined;

  /** @param onReturn the reader wants no more: it left its loop. */
  constructor(hooks: { onRead?: (item: T) => void; onReturn?: () => void } = {}) {
    this.#onRead = hooks.onRead ?? (() => {});
    this.#onReturn = hooks.onReturn ?? (() => {});
  }

  get length(): number {
    return this.#items.length;
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  push(item: T): void {
    if (this.#end !== undefined) return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#items.push(item);
      return;
    }
    waiter.resolve({ done: false, value: item });
    this.#onRead(item);
  }

  /** Nothing more comes. With an error, the reader gets it once. */
  finish(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    const [first, ...others] = this.#waiters.splice(0);
    if (first === undefined) return;
    this.#settle(first);
    for (const waiter of others) waiter.resolve({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      if (this.#items.length > 0) {
        const item = this.#items.shift() as T;
        resolve({ done: false, value: item });
        this.#onRead(item);
      } else if (this.#end !== undefined) this.#settle(waiter);
      else this.#waiters.push(waiter);
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#items.length = 0;
    if (this.#end?.error !== undefined) this.#end = { error: undefined };
    this.finish();
    this.#onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #settle(waiter: Waiter<T>): void {
    const error = this.#end?.error;
    if (error === undefined) return waiter.resolve({ done: true, value: undefined });
    this.#end = { error: undefined };
    waiter.reject(error);
  }
}
