const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as the cases write them: their UTF-8 text, or "b64:" and base64 when they are not UTF-8 or look like something else. */
export function bytesToText(bytes: Uint8Array): string {
  try {
    const text = strict.decode(bytes);
    if (!/^(\$|b64:|rep:)/.test(text)) return text;
  } catch {
    // Not UTF-8: the other form.
  }
  return `b64:${Buffer.from(bytes).toString("base64")}`;
}

/** The other way round; "rep:x:3" is "xxx". */
export function textToBytes(text: string): Uint8Array {
  if (text.startsWith("b64:")) return Buffer.from(text.slice(4), "base64");
  const repeated = /^rep:([\s\S]+):(\d+)$/u.exec(text);
  if (repeated !== null) return Buffer.from((repeated[1] ?? "").repeat(Number(repeated[2])));
  return Buffer.from(text);
}
