import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { parseInt64, ValueError } from "../frame/go-values.js";

/**
 * Reads the id of a lease, in hexadecimal.
 * @param what what it is called in the message: "lease ID".
 * @throws CommandFailure, exit code 128
 */
export function parseLeaseId(text: string, what: string): bigint {
  try {
    return parseInt64(text, 16);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new CommandFailure(ExitCode.BadArguments, `bad ${what} (${error.message}), expecting ID in Hex`);
  }
}
