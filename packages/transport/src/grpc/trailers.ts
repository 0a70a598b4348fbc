import { encodeHeaders } from "../hpack/hpack-encoder.js";
import type { TrailerFields } from "../http2/stream.js";
import type { Metadata } from "./metadata.js";
import { encodeStatusMessage, type Status } from "./status.js";

/** Whether trailers are those of a good answer without metadata. */
export function isPlainOk(trailers: Metadata | undefined): boolean {
  return trailers === undefined || trailers.wireFields.length === 0;
}

/** What ends a call: status, message, details, metadata. */
export function trailerFields(status: Status, trailers: Metadata | undefined): TrailerFields {
  const fields: [string, string][] = [["grpc-status", String(status.code)]];
  if (status.message !== "") fields.push(["grpc-message", encodeStatusMessage(status.message)]);
  if (status.details !== undefined) fields.push(["grpc-status-details-bin", base64Of(status.details)]);
  return trailers === undefined ? fields : [...fields, ...trailers.wireFields];
}

/** Response headers with metadata. */
export function headBlock(metadata: Metadata): Buffer {
  return encodeHeaders([[":status", "200"], ["content-type", "application/grpc"], ...metadata.wireFields]);
}

/** An answer without messages: headers and trailers in one block. `httpStatus` is 200 for all that is gRPC. */
export function trailersOnlyBlock(httpStatus: string, status: Status, trailers: Metadata | undefined): Buffer {
  return encodeHeaders([
    [":status", httpStatus],
    ["content-type", "application/grpc"],
    ...trailerFields(status, trailers),
  ]);
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64").replace(/=+$/, "");
}
