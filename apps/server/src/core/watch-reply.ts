import type { Revision, Term } from "@quorate/common";
import { MessageBuilder, type HeaderWriter } from "./reply-writer.js";

const field = { watchId: 2, created: 3, canceled: 4, compactRevision: 5, cancelReason: 6, fragment: 7 } as const;

/** The watch id of answers that belong to no watcher: a refused creation, progress of the whole stream. */
export const noWatcher = -1n;

/** Encodes `WatchResponse` messages. The revision in the header differs from answer to answer. */
export class WatchReplies {
  readonly #headers: HeaderWriter;
  readonly #term: () => Term;
  readonly #builder = new MessageBuilder();

  constructor(headers: HeaderWriter, term: () => Term) {
    this.#headers = headers;
    this.#term = term;
  }

  created(id: bigint, revision: Revision): Uint8Array {
    return this.#begin(revision, id).flag(field.created, true).take();
  }

  /** A creation that is refused: created and cancelled at once. */
  refused(revision: Revision, reason: string): Uint8Array {
    this.#begin(revision, noWatcher).flag(field.created, true).flag(field.canceled, true);
    return this.#builder.bytes(field.cancelReason, Buffer.from(reason)).take();
  }

  canceled(id: bigint, revision: Revision): Uint8Array {
    return this.#begin(revision, id).flag(field.canceled, true).take();
  }

  /** The watcher needs what was compacted. The header has no revision then, as etcd's. */
  compacted(id: bigint, compacted: Revision): Uint8Array {
    return this.#begin(0, id).flag(field.canceled, true).number(field.compactRevision, compacted).take();
  }

  progress(id: bigint, revision: Revision): Uint8Array {
    return this.#begin(revision, id).take();
  }

  /** All of a message with events but the events themselves, which follow. */
  head(id: bigint, revision: Revision, isFragment: boolean): Uint8Array {
    return this.#begin(revision, id).flag(field.fragment, isFragment).take();
  }

  #begin(revision: Revision | 0, id: bigint): MessageBuilder {
    return this.#builder.raw(this.#headers.field(revision, this.#term())).wide(field.watchId, id);
  }
}
