const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** A read `grpc-timeout`: milliseconds with fractions, or what is wrong with it, in grpc-go's words. */
export type Timeout = { readonly ms: number } | { readonly problem: string };

/** Reads a `grpc-timeout` header: at most eight digits and one of H M S m u n. */
export function parseTimeout(text: string): Timeout {
  if (text.length < 2) return { problem: `transport: timeout string is too short: ${JSON.stringify(text)}` };
  if (text.length > 9) return { problem: `transport: timeout string is too long: ${JSON.stringify(text)}` };
  const unit = unitMs[text[text.length - 1] as string];
  if (unit === undefined) return { problem: `transport: timeout unit is not recognized: ${JSON.stringify(text)}` };
  let digits = 0;
  for (let i = 0; i < text.length - 1; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) {
      const number = JSON.stringify(text.slice(0, -1));
      return { problem: `strconv.ParseUint: parsing ${number}: invalid syntax` };
    }
    digits = digits * 10 + digit;
  }
  return { ms: digits * unit };
}
