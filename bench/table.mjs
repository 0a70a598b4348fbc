// Figures of several rounds become one line of a table.

/** The middle of a list of numbers; of two middle ones the mean. */
export function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

/** A number with as many digits as can mean something. */
export function shown(value) {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** The ratio of a round is ours over the peer's of the same round; their median, least and most. */
export function ratiosOf({ quorate, peer }) {
  const rounds = Math.min(quorate.length, peer.length);
  if (rounds === 0) return undefined;
  const ratios = Array.from({ length: rounds }, (_, i) => quorate[i].value / peer[i].value);
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}

/** A figure, and how far its rounds lie apart in percent of it. */
export function figure(samples) {
  if (samples.length === 0) return undefined;
  const values = samples.map(({ value }) => value);
  const middle = median(values);
  return { median: middle, spreadPercent: ((Math.max(...values) - Math.min(...values)) / middle) * 100 };
}

const ratioText = (ratios) =>
  ratios === undefined ? "" : `${ratios.median.toFixed(2)} (${ratios.least.toFixed(2)}–${ratios.most.toFixed(2)})`;

const middleOf = (samples, name) =>
  samples.some((sample) => sample[name] !== undefined) ? median(samples.map((sample) => sample[name] ?? 0)) : undefined;

const milliseconds = (us) => (us === undefined ? "–" : (us / 1000).toFixed(us < 10_000 ? 2 : 0));

const delays = (samples) => {
  const p50 = middleOf(samples, "p50us");
  return p50 === undefined ? "" : `${milliseconds(p50)} / ${milliseconds(middleOf(samples, "p99us"))}`;
};

/** The cells of one row: what, unit, ours, the peer's, ratio, ours p50 / p99, the peer's, share of the generator in percent. */
export function cellsOf(row, processors) {
  const { quorate, peer } = row;
  const load = middleOf(
    [...quorate, ...peer].filter(({ loadCores }) => loadCores !== undefined),
    "loadCores",
  );
  const value = (samples) => (samples.length === 0 ? "" : shown(figure(samples).median));
  const share = load === undefined ? "" : `${Math.round((load / processors) * 100)}%`;
  return [
    row.name,
    row.unit,
    value(quorate),
    value(peer),
    ratioText(ratiosOf(row)),
    delays(quorate),
    delays(peer),
    share,
  ];
}

export const headings = ["what", "unit", "Quorate", "peer", "ratio", "p50 / p99 ms", "peer's", "load takes"];

/** A table in Markdown. */
export function markdownTable(head, lines) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...lines.map(line)].join("\n");
}
