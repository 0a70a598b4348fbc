import { assert } from "@quorate/common";
import { CounterCell, GaugeCell, HistogramCell } from "./cells.js";

/** The kinds of metrics that etcd has. */
export type FamilyType = "counter" | "gauge" | "histogram";

/** What a family of series is called and holds. */
export type FamilySpec = Readonly<{
  type: FamilyType;
  help: string;
  /** Names of the labels, in the order in which `with` takes their values. */
  labels: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending. */
  buckets?: readonly number[];
}>;

/** The cell that a family of this type has for each series. */
export type CellOf<Type extends FamilyType> = Type extends "counter"
  ? CounterCell
  : Type extends "gauge"
    ? GaugeCell
    : HistogramCell;

/** One series: the values of its labels, and its cell. */
export type Series<Cell> = Readonly<{ labelValues: readonly string[]; cell: Cell }>;

type Sample = Readonly<{ labels: Readonly<Record<string, string | number>>; value: number; metricName?: string }>;

const separator = "\u0000";

/**
 * All series of one name. A family without labels has its one series from the start; one with labels has none until they are asked for, and then is
 * not shown, as in etcd. Each can be registered with a prom-client `Registry`: it answers `get` in the form of that library.
 */
export class Family<Cell extends CounterCell | GaugeCell | HistogramCell> {
  readonly name: string;
  readonly spec: FamilySpec;
  readonly #series = new Map<string, Series<Cell>>();

  constructor(name: string, spec: FamilySpec) {
    this.name = name;
    this.spec = spec;
    if (spec.labels.length === 0) this.with();
  }

  get type(): FamilyType {
    return this.spec.type;
  }

  get help(): string {
    return this.spec.help;
  }

  /**
   * The cell of one series, made when it is asked for first. It walks a map: on a hot path keep what it gives.
   * @param labelValues one value for each label, in the order of `spec.labels`.
   */
  with(...labelValues: readonly string[]): Cell {
    assert(labelValues.length === this.spec.labels.length, "a series has one value for each label of its family");
    const key = labelValues.join(separator);
    const known = this.#series.get(key);
    if (known !== undefined) return known.cell;
    const cell = this.#newCell();
    this.#series.set(key, { labelValues, cell });
    return cell;
  }

  /** The cell of one series if it exists. */
  peek(...labelValues: readonly string[]): Cell | undefined {
    return this.#series.get(labelValues.join(separator))?.cell;
  }

  /** Forgets one series. */
  remove(...labelValues: readonly string[]): void {
    this.#series.delete(labelValues.join(separator));
  }

  /** All series, in the order in which they were made. */
  series(): readonly Series<Cell>[] {
    return [...this.#series.values()];
  }

  /** What prom-client asks of a metric. */
  get(): Promise<{ name: string; help: string; type: FamilyType; aggregator: "sum"; values: readonly Sample[] }> {
    const { name, help, type } = this;
    return Promise.resolve({ name, help, type, aggregator: "sum", values: this.#samples() });
  }

  /** What prom-client calls to forget all values. */
  reset(): void {
    this.#series.clear();
    if (this.spec.labels.length === 0) this.with();
  }

  #samples(): readonly Sample[] {
    const samples: Sample[] = [];
    for (const { labelValues, cell } of this.#series.values()) {
      const labels = Object.fromEntries(this.spec.labels.map((name, i) => [name, labelValues[i] as string]));
      if (!(cell instanceof HistogramCell)) {
        samples.push({ labels, value: cell.value });
        continue;
      }
      const bounds = this.spec.buckets ?? [];
      const metricName = `${this.name}_bucket`;
      cell.cumulative().forEach((value, i) => {
        samples.push({ labels: { ...labels, le: bounds[i] as number }, value, metricName });
      });
      samples.push({ labels: { ...labels, le: "+Inf" }, value: cell.count, metricName });
      samples.push({ labels, value: cell.sum, metricName: `${this.name}_sum` });
      samples.push({ labels, value: cell.count, metricName: `${this.name}_count` });
    }
    return samples;
  }

  #newCell(): Cell {
    if (this.spec.type === "counter") return new CounterCell() as Cell;
    if (this.spec.type === "gauge") return new GaugeCell() as Cell;
    return new HistogramCell(this.spec.buckets ?? []) as Cell;
  }
}
