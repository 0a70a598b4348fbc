import { isatty } from "node:tty";
import type { InputStream } from "../world.js";

/** Standard input. Nothing is read before it is asked for. */
export function standardInput(): InputStream {
  return {
    get isTerminal() {
      return isatty(0);
    },
    async all() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
    async *lines() {
      let rest = "";
      const decoder = new TextDecoder();
      for await (const chunk of process.stdin) {
        const pieces = (rest + decoder.decode(chunk as Buffer, { stream: true })).split("\n");
        rest = pieces.pop() ?? "";
        for (const piece of pieces) yield `${piece}\n`;
      }
      if (rest !== "") yield rest;
    },
  };
}
