/** What a Prometheus text says: families with their type and label names, and samples by their series. */
export function readExposition(text: string): {
  families: Record<string, { type: string; labels: string[] }>;
  samples: Map<string, number>;
} {
  const families: Record<string, { type: string; labels: string[] }> = {};
  const samples = new Map<string, number>();
  let current = "";
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) {
      current = type[1] as string;
      families[current] = { type: type[2] as string, labels: [] };
      continue;
    }
    const sample = /^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null) continue;
    const labels = [...(sample[2] ?? "").matchAll(/([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, name]) => name as string,
    );
    const family = families[current];
    if (family !== undefined) family.labels = labels.filter((label) => label !== "le").sort();
    samples.set(sample[2] === undefined ? (sample[1] as string) : `${sample[1]}{${sample[2]}}`, Number(sample[3]));
  }
  return { families, samples };
}
