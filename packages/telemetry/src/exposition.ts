import type { CounterCell, GaugeCell } from "./cells.js";
import { HistogramCell } from "./cells.js";
import type { Family } from "./family.js";

/** What the text is, for the `Content-Type` header. */
export const expositionContentType = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/** A number as Go prints it, so that bounds of buckets are the strings that existing rules and dashboards look for. */
export function goNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return "0";
  const [mantissa = "", exponentText = ""] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(value);
  const digits = String(Math.abs(exponent)).padStart(2, "0");
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${digits}`;
}

/** One family in the Prometheus text format, or "" while it has no series. Ends with a line end. */
export function familyText(family: Family<CounterCell | GaugeCell | HistogramCell>): string {
  const series = family.series();
  if (series.length === 0) return "";
  const { name } = family;
  const lines = [`# HELP ${name} ${escapeHelp(family.help)}`, `# TYPE ${name} ${family.type}`];
  const bounds = (family.spec.buckets ?? []).map(goNumber);
  for (const { labelValues, cell } of series) {
    const labels = family.spec.labels.map((label, i) => `${label}="${escapeLabel(labelValues[i] as string)}"`).sort();
    if (!(cell instanceof HistogramCell)) {
      lines.push(`${name}${braced(labels)} ${goNumber(cell.value)}`);
      continue;
    }
    cell.cumulative().forEach((count, i) => {
      lines.push(`${name}_bucket${braced([...labels, `le="${bounds[i]}"`])} ${goNumber(count)}`);
    });
    lines.push(`${name}_bucket${braced([...labels, 'le="+Inf"'])} ${goNumber(cell.count)}`);
    lines.push(`${name}_sum${braced(labels)} ${goNumber(cell.sum)}`);
    lines.push(`${name}_count${braced(labels)} ${goNumber(cell.count)}`);
  }
  return `${lines.join("\n")}\n`;
}

function braced(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labels.join(",")}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
