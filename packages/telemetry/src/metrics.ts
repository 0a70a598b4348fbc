import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import type { CounterCell, GaugeCell, HistogramCell } from "./cells.js";
import { etcdFamilies } from "./etcd-families.js";
import { expositionContentType, familyText } from "./exposition.js";
import { type CellOf, Family, type FamilySpec, type FamilyType } from "./family.js";
import { readFileDescriptors } from "./file-descriptors.js";
import { type GrpcMethod, GrpcMetrics } from "./grpc-metrics.js";

type AnyFamily = Family<CounterCell | GaugeCell | HistogramCell>;
type Strings<Labels extends readonly string[]> = { -readonly [Index in keyof Labels]: string };

/** A family whose series are found by the values of its labels, as many as the family has. */
export interface LabelledFamily<Type extends FamilyType, Labels extends readonly string[]> {
  /** The cell of one series, made when it is asked for first. Keep it where counting must be cheap. */
  with(...labelValues: Strings<Labels>): CellOf<Type>;
  remove(...labelValues: Strings<Labels>): void;
}

/** The name of a family of etcd's. */
export type EtcdFamilyName = keyof typeof etcdFamilies;

/** etcd's families: a cell for each one without labels, a `LabelledFamily` for each of the others. */
export type EtcdMetrics = {
  readonly [Name in EtcdFamilyName]: (typeof etcdFamilies)[Name]["labels"] extends readonly []
    ? CellOf<(typeof etcdFamilies)[Name]["type"]>
    : LabelledFamily<(typeof etcdFamilies)[Name]["type"], (typeof etcdFamilies)[Name]["labels"]>;
};

/** What is measured. */
export type MetricsOptions = Readonly<{
  /** Methods whose series exist at 0 from the start. */
  grpcMethods: readonly GrpcMethod[];
  /** With the latency histogram of gRPC calls (`--metrics=extensive`). */
  isExtensive?: boolean;
  /** With `process_*` and Node's own metrics. They watch the event loop and the collector, so one process wants them once. */
  hasProcessMetrics?: boolean;
}>;

/** All metrics of a process. */
export interface Metrics {
  /** etcd's families under their names: `metrics.etcd.etcd_server_has_leader.set(1)`. */
  readonly etcd: EtcdMetrics;
  readonly grpc: GrpcMetrics;
  /** The prom-client registry that holds everything, for tools made for it. */
  readonly registry: Registry;
  readonly contentType: string;
  /** Runs `run` before each exposition: for gauges that are cheaper to ask for than to keep. */
  onCollect(run: () => void): void;
  /** Adds a family of our own. Asking twice for one name gives the same family. */
  own(name: string, spec: FamilySpec): AnyFamily;
  /**
   * The text for Prometheus: families sorted by name.
   * @param options.withOwn also the families that etcd does not have (`quorate_*`, `nodejs_*`).
   */
  expose(options?: { withOwn?: boolean }): Promise<string>;
}

/** Makes all families of etcd's, and the pre-created series of a gRPC server. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const standard = new Map<string, AnyFamily>();
  const add = (family: AnyFamily): AnyFamily => {
    registry.registerMetric(family as unknown as Metric<string>);
    return family;
  };
  const addStandard = (family: AnyFamily): AnyFamily => {
    standard.set(family.name, add(family));
    return family;
  };
  const etcd = Object.fromEntries(
    Object.entries(etcdFamilies).map(([name, spec]) => {
      const family = addStandard(new Family(name, spec));
      return [name, spec.labels.length === 0 ? family.with() : family];
    }),
  ) as unknown as EtcdMetrics;
  const grpc = new GrpcMetrics(options.grpcMethods, { isExtensive: options.isExtensive === true });
  for (const family of grpc.families) addStandard(family);
  const scrapes = new ScrapeMetrics();
  for (const family of scrapes.families) addStandard(family);
  if (options.hasProcessMetrics === true) collectDefaultMetrics({ register: registry });
  const own = new Map<string, AnyFamily>();
  const collectors: (() => void)[] = [() => collectFileDescriptors(etcd)];
  return {
    etcd,
    grpc,
    registry,
    contentType: expositionContentType,
    onCollect: (run) => {
      collectors.push(run);
    },
    own: (name, spec) => {
      const family = own.get(name) ?? add(new Family(name, spec));
      own.set(name, family);
      return family;
    },
    expose: (wanted) =>
      scrapes.count(async () => {
        for (const collect of collectors) collect();
        const others = await libraryTexts(registry, [...standard.keys(), ...own.keys()]);
        const texts = new Map<string, string>();
        for (const [name, family] of standard) texts.set(name, familyText(family));
        for (const [name, text] of others) {
          if (wanted?.withOwn === true || name.startsWith("process_")) texts.set(name, text);
        }
        if (wanted?.withOwn === true) for (const [name, family] of own) texts.set(name, familyText(family));
        return [...texts.keys()]
          .sort()
          .map((name) => texts.get(name))
          .join("");
      }),
  };
}

/** Families that prom-client made, as text. */
async function libraryTexts(registry: Registry, ours: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const skip = new Set(ours);
  const texts = new Map<string, string>();
  for (const { name } of registry.getMetricsAsArray()) {
    if (skip.has(name)) continue;
    texts.set(name, `${(await registry.getSingleMetricAsString(name)).trimEnd()}\n`);
  }
  return texts;
}

function collectFileDescriptors(etcd: EtcdMetrics): void {
  const { used, limit } = readFileDescriptors();
  etcd.os_fd_used.set(used);
  etcd.os_fd_limit.set(limit);
}

/** How often the metrics were asked for, under the names of Go's Prometheus handler. */
class ScrapeMetrics {
  readonly #inFlight: Family<GaugeCell>;
  readonly #total: Family<CounterCell>;
  readonly families: readonly AnyFamily[];

  constructor() {
    this.#inFlight = new Family("promhttp_metric_handler_requests_in_flight", {
      type: "gauge",
      help: "Current number of scrapes being served.",
      labels: [],
    });
    this.#total = new Family("promhttp_metric_handler_requests_total", {
      type: "counter",
      help: "Total number of scrapes by HTTP status code.",
      labels: ["code"],
    });
    for (const code of ["200", "500", "503"]) this.#total.with(code);
    this.families = [this.#inFlight, this.#total];
  }

  async count(expose: () => Promise<string>): Promise<string> {
    this.#inFlight.with().add(1);
    try {
      const text = await expose();
      this.#total.with("200").add();
      return text;
    } catch (error) {
      this.#total.with("500").add();
      throw error;
    } finally {
      this.#inFlight.with().add(-1);
    }
  }
}
