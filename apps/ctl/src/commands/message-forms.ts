import type { MessageCodec, ResponseHeader } from "@quorate/proto";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { parseUint64, ValueError } from "../frame/go-values.js";
import type { Forms, PrintOptions } from "../output/forms.js";
import { messageJson } from "../output/json.js";
import type { Page } from "../output/page.js";
import { printHeaderFields } from "../output/pairs.js";

/** What most answers are: a message with a header. */
export type Answer = { readonly header: ResponseHeader | undefined };

/**
 * The json and protobuf forms of an answer: the message itself.
 * @param ids whether --hex shows ids as hexadecimal text in json, as it does in commands about members only.
 */
export function messageForms<M extends object>(
  codec: MessageCodec<M>,
  answer: M,
  ids: "decimal" | "as wanted" = "decimal",
): Required<Pick<Forms, "json" | "protobuf">> {
  return {
    json: ({ isHex }) => messageJson(codec.name, answer, { isHex: isHex && ids === "as wanted" }),
    protobuf: () => codec.encode(answer),
  };
}

/** All forms of an answer that has nothing to say but that it is done; its fields are those of the header. */
export function doneForms<M extends Answer>(codec: MessageCodec<M>, answer: M, line: string): Forms {
  return {
    simple: (page) => page.line(line),
    fields: (page, options) => printHeaderFields(page, answer.header, options),
    ...messageForms(codec, answer),
  };
}

/** The fields form: the header's lines, then those of the answer. */
export function fieldsBelowHeader(
  header: ResponseHeader | undefined,
  print: (page: Page, options: PrintOptions) => void,
): NonNullable<Forms["fields"]> {
  return (page, options) => {
    printHeaderFields(page, header, options);
    print(page, options);
  };
}

/** A wrong number or shape of arguments. */
export function badArguments(message: string): CommandFailure {
  return new CommandFailure(ExitCode.BadArguments, message);
}

/**
 * Reads the id of a member, in hexadecimal.
 * @param words what is said about a text that is none, given Go's words for why.
 * @throws CommandFailure, exit code 128
 */
export function parseMemberId(
  text: string,
  words = (why: string) => `bad member ID arg (${why}), expecting ID in Hex`,
): bigint {
  try {
    return parseUint64(text, 16);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw badArguments(words(error.message));
  }
}
