import { createHash } from "node:crypto";
import type { Json, JsonObject } from "../json.js";
import { decodeMessage } from "./message-json.js";
import type { Schema } from "./schema.js";
import { textToBytes } from "./bytes-text.js";

const chunkBytes = 32_768;

/** What a case says of a snapshot stream: its shape and its digest, not its content. */
export function summarizeSnapshot(schema: Schema, typeName: string, messages: readonly Uint8Array[]): JsonObject {
  const decoded = messages.map((bytes) => decodeMessage(schema, typeName, bytes));
  const blobs = decoded.map((one) => textToBytes(String(one.blob ?? "")));
  const data = Buffer.concat(blobs.slice(0, -1));
  const digest = blobs.at(-1) ?? new Uint8Array();
  let left = data.length;
  let isRemainingRight = true;
  decoded.forEach((one, index) => {
    if (index < decoded.length - 1) left -= blobs[index]?.length ?? 0;
    if (Number(one.remaining_bytes ?? 0) !== left) isRemainingRight = false;
  });
  const versions = new Set<Json>();
  for (const one of decoded) if (one.version !== undefined) versions.add(one.version);
  return {
    chunks_full: blobs.slice(0, -2).every((blob) => blob.length === chunkBytes),
    remaining_bytes_ok: isRemainingRight,
    digest_ok: createHash("sha256").update(data).digest().equals(digest),
    has_data: data.length > 0,
    headers: decoded.filter((one) => one.header !== undefined).length,
    versions: [...versions].sort(),
  };
}
