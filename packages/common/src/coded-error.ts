/** What went wrong, for programs: a code that names the case and the values that belong to it. */
export type CodedFault = { readonly code: string };

/**
 * The base of each package's one error class. Look a failure up by `fault.code`, never by message or identity.
 * The message is the code followed by the fault's other fields, for people.
 */
export class CodedError<Fault extends CodedFault> extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, options?: ErrorOptions) {
    super(describeFault(fault), options);
    this.name = new.target.name;
    this.fault = fault;
  }
}

/** `code key=value key=value`, in the order of the fault's fields. Bytes are shown by their length only. */
export function describeFault(fault: CodedFault): string {
  const parts = [fault.code];
  for (const [key, value] of Object.entries(fault as Readonly<Record<string, unknown>>)) {
    if (key === "code" || value === undefined) continue;
    parts.push(`${key}=${value instanceof Uint8Array ? `<${value.length} bytes>` : String(value)}`);
  }
  return parts.join(" ");
}
