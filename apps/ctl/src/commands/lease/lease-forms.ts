import { ClientError } from "@quorate/client";
import { ResponseHeader } from "@quorate/proto";
import { CommandFailure } from "../../command-failure.js";
import { errorText, isLoginFailure } from "../../connection/go-error.js";
import { ExitCode } from "../../exit-codes.js";
import type { Forms, PrintOptions } from "../../output/forms.js";
import { type JsonValue, messageJson } from "../../output/json.js";
import { hexId } from "../../output/pairs.js";

/** The json and protobuf forms that leases have: header and answer in one object, and the header alone. */
export function leaseForms(
  header: ResponseHeader | undefined,
  own: Readonly<Record<string, JsonValue>>,
): Required<Pick<Forms, "json" | "protobuf">> {
  return {
    json: () => ({ ...messageJson(ResponseHeader.name, header ?? ResponseHeader.create()), ...own }),
    protobuf: () => ResponseHeader.encode(header ?? {}),
  };
}

/** An id as the fields form shows it. */
export function leaseField(id: bigint, { isHex }: PrintOptions): string {
  return isHex ? hexId(id) : id.toString();
}

/** How commands about leases end that put the failure into a sentence of their own: `failed to grant lease (…)`. */
export function leaseFailure(error: unknown, what: string): unknown {
  if (!(error instanceof ClientError) || isLoginFailure(error)) return error;
  return new CommandFailure(ExitCode.Error, `${what} (${errorText(error)})`, { cause: error });
}

/** How questions about leases end when they fail: as if there were no connection. */
export function leaseQuestionFailure(error: unknown): unknown {
  if (!(error instanceof ClientError)) return error;
  return new CommandFailure(ExitCode.BadConnection, errorText(error), { cause: error });
}
