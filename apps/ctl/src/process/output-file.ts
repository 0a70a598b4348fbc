import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import type { OutputFile } from "../world.js";

/** Makes a file that only its owner may read, or empties the one that is there. @throws Error as node:fs does. */
export function createFile(path: string): OutputFile {
  const file = openSync(path, "w", 0o600);
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    },
    sync: () => fsyncSync(file),
    close: () => closeSync(file),
  };
}
