/** Why bytes could not be read. `offset` counts from the start of the array that was passed to `decode`. */
export type ProtoFault =
  | { readonly code: "proto/malformed"; readonly offset: number; readonly reason: string }
  | { readonly code: "proto/json"; readonly path: string; readonly reason: string };

/**
 * The one error of this package. Look at `fault.code`: "proto/malformed" for bytes that are not a message of the asked
 * type, "proto/json" for JSON that is not one. Built like the coded errors of the other packages, which this one may not import.
 */
export class ProtoError extends Error {
  readonly fault: ProtoFault;

  constructor(fault: ProtoFault, options?: ErrorOptions) {
    super(
      fault.code === "proto/malformed"
        ? `${fault.code} offset=${fault.offset} reason=${fault.reason}`
        : `${fault.code} path=${fault.path} reason=${fault.reason}`,
      options,
    );
    this.name = "ProtoError";
    this.fault = fault;
  }
}
