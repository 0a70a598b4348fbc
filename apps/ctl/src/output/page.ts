import { quoteBytes } from "../frame/go-values.js";

/** What one printing writes, put together first so that it leaves in one write. */
export class Page {
  readonly #parts: (string | Uint8Array)[] = [];

  /** Without a line end. */
  text(text: string): this {
    this.#parts.push(text);
    return this;
  }

  line(text = ""): this {
    this.#parts.push(text, "\n");
    return this;
  }

  /** Bytes as they are. */
  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  /** `"Name" : value` */
  field(name: string, value: string | number | bigint | boolean): this {
    return this.line(`"${name}" : ${value}`);
  }

  /** `"Name" : "value"` */
  quotedField(name: string, value: Uint8Array | string): this {
    return this.line(`"${name}" : ${quoteBytes(typeof value === "string" ? Buffer.from(value) : value)}`);
  }

  toBytes(): Uint8Array {
    return Buffer.concat(this.#parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
  }
}
