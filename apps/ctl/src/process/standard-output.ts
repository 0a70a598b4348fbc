import { writeSync } from "node:fs";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { ClosedPipe, type OutputStream } from "../world.js";

const waitMs = 5;

/** Standard output or standard error. A reader who is slow makes this program wait, as it does any other. */
export function standardOutput(descriptor: 1 | 2): OutputStream {
  return {
    write(chunk) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      for (let at = 0; at < bytes.length; ) at += writeSome(descriptor, bytes.subarray(at));
    },
  };
}

function writeSome(descriptor: number, bytes: Uint8Array): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EPIPE") throw new ClosedPipe("nobody reads the output any more", { cause: error });
    if (code !== "EAGAIN") {
      const why = error instanceof Error ? error.message : String(error);
      throw new CommandFailure(ExitCode.Error, `cannot write the output: ${why}`, { cause: error });
    }
    // A pipe that another process has made non-blocking, and that is full.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    return 0;
  }
}
