/**
 * The bytes of an argument. Arguments that are not UTF-8 hold each stray byte as a lone surrogate from U+DC80 to U+DCFF
 * (`argumentText` put it there), so that keys and values are what was typed.
 */
export function argumentBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return new TextEncoder().encode(text);
  const parts = text.split(/([\udc80-\udcff])/).map((part, index) => {
    return index % 2 === 1 ? Buffer.of(part.charCodeAt(0) - 0xdc00) : Buffer.from(part);
  });
  return Buffer.concat(parts);
}

/** Bytes of the command line as text, without loss: see `argumentBytes`. */
export function argumentText(bytes: Uint8Array): string {
  let text = "";
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    try {
      text += decoder.decode(bytes.subarray(at, at + length));
      at += length;
    } catch {
      text += String.fromCharCode(0xdc00 + first); // no UTF-8: the byte is kept as a surrogate that text never holds
      at += 1;
    }
  }
  return text;
}
