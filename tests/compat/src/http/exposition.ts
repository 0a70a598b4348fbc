import type { JsonObject } from "../json.js";

/** What a page of metrics shows, as the cases hold it. */
export type Exposition = {
  /** Family to its type and the names of its labels (without `le` and `quantile`), sorted. */
  readonly families: JsonObject;
  /** `name{a="x",b="y"}` (labels sorted) to the value. */
  readonly samples: ReadonlyMap<string, number>;
};

const leftOut = /^(go_|process_|promhttp_)/;

/** Reads Prometheus' text format. @throws Error for a line that is not of the format */
export function parseExposition(text: string): Exposition {
  const types = new Map<string, string>();
  const labelsOf = new Map<string, Set<string>>();
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    const declared = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (declared !== null) types.set(declared[1] ?? "", declared[2] ?? "");
    if (line === "" || line.startsWith("#")) continue;
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line);
    if (sample === null) throw new Error(`not a sample: ${line}`);
    const [, name = "", inside = "", value = ""] = sample;
    const labels = [...inside.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([pair, label = ""]) => ({
      pair,
      label,
    }));
    labels.sort((a, b) => (a.label < b.label ? -1 : 1));
    const series = labels.length === 0 ? name : `${name}{${labels.map(({ pair }) => pair).join(",")}}`;
    samples.set(series, value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));
    const family = familyOf(name, types);
    const known = labelsOf.get(family) ?? new Set();
    labelsOf.set(family, known);
    for (const { label } of labels) if (label !== "le" && label !== "quantile") known.add(label);
  }
  const families: JsonObject = {};
  for (const name of [...types.keys()].sort()) {
    if (!leftOut.test(name))
      families[name] = { type: types.get(name) ?? "", labels: [...(labelsOf.get(name) ?? [])].sort() };
  }
  return { families, samples };
}

/** A histogram's samples have names of their own: `x_bucket`, `x_sum`, `x_count` belong to `x`. */
function familyOf(name: string, types: ReadonlyMap<string, string>): string {
  if (types.has(name)) return name;
  const base = name.replace(/_(bucket|sum|count|total|created)$/, "");
  return types.has(base) ? base : name;
}
