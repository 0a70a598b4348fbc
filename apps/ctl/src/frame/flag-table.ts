/** One flag: what it holds, its default, and its line in the help. */
export type FlagSpec = (
  | { readonly kind: "bool"; readonly default?: boolean }
  | { readonly kind: "string"; readonly default?: string }
  /** 64 bits, decimal, or with 0x, 0o, 0b. */
  | { readonly kind: "int"; readonly default?: bigint }
  /** Held in milliseconds; written as Go does: 5s, 1m30s. */
  | { readonly kind: "duration"; readonly default?: number }
  /** A comma list; given again, it is added to. */
  | { readonly kind: "strings"; readonly default?: readonly string[] }
) & { readonly help: string; readonly short?: string };

/** The flags of a command, by name without dashes. */
export type FlagTable = Readonly<Record<string, FlagSpec>>;

type ValueOf<S extends FlagSpec> = {
  bool: boolean;
  string: string;
  int: bigint;
  duration: number;
  strings: readonly string[];
}[S["kind"]];

/** The values of the flags of a table. */
export type FlagValues<T extends FlagTable> = { readonly [Name in keyof T]: ValueOf<T[Name]> };

/** What a flag can hold. */
export type FlagValue = ValueOf<FlagSpec>;

const zero = { bool: false, string: "", int: 0n, duration: 0, strings: [] } as const;

/** The value of a flag that was not given. */
export function defaultOf(spec: FlagSpec): FlagValue {
  return spec.default ?? zero[spec.kind];
}
