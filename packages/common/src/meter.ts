/** What a metric is called and counts. Names are `package.subject`, units are UCUM: `s`, `By`, `1`. */
export type MetricDefinition = Readonly<{
  name: string;
  unit: "s" | "By" | "1";
  description: string;
  /** Names of the labels that every sample carries. */
  labels?: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending. */
  buckets?: readonly number[];
}>;

export type MetricLabels = Readonly<Record<string, string>>;
/** Only grows. */
export interface Counter {
  add(amount: number, labels?: MetricLabels): void;
}
/** Goes up and down. */
export interface Gauge {
  set(value: number, labels?: MetricLabels): void;
}
/** Sorts what it is given into buckets. */
export interface Histogram {
  record(value: number, labels?: MetricLabels): void;
}

/** Makes metrics. Asking twice for one name gives the same metric. */
export interface Meter {
  counter(definition: MetricDefinition): Counter;
  gauge(definition: MetricDefinition): Gauge;
  histogram(definition: MetricDefinition): Histogram;
}

const ignore = (): void => {};

/** Counts nothing. The default of every package. */
export const silentMeter: Meter = {
  counter: () => ({ add: ignore }),
  gauge: () => ({ set: ignore }),
  histogram: () => ({ record: ignore }),
};
