import { parseGoBool } from "./go-number.js";
import type { Parsed, Setting } from "./setting.js";

type Stage = "ALPHA" | "BETA";

/** Every gate of etcd 3.7.1, with its stage and what it is by default. */
const gates = {
  AllAlpha: { stage: "ALPHA", isOn: false },
  AllBeta: { stage: "BETA", isOn: false },
  CompactHashCheck: { stage: "ALPHA", isOn: false },
  FastLeaseKeepAlive: { stage: "BETA", isOn: true },
  InitialCorruptCheck: { stage: "ALPHA", isOn: false },
  LeaseCheckpoint: { stage: "ALPHA", isOn: false },
  LeaseCheckpointPersist: { stage: "ALPHA", isOn: false },
  PriorityRequest: { stage: "ALPHA", isOn: false },
  SetMemberLocalAddr: { stage: "ALPHA", isOn: false },
  StopGRPCServiceOnDefrag: { stage: "ALPHA", isOn: false },
  TxnModeWriteWithSharedBuffer: { stage: "BETA", isOn: true },
} as const satisfies Record<string, { stage: Stage; isOn: boolean }>;

export type FeatureGate = keyof typeof gates;
/** What was said of each gate, by name. */
export type GateSettings = ReadonlyMap<FeatureGate, boolean>;
/** A gate as the metric `etcd_server_feature_enabled` shows it. */
export type GateState = Readonly<{ name: FeatureGate; stage: Stage; isOn: boolean }>;

const names = Object.keys(gates) as readonly FeatureGate[];

/** `--feature-gates`: `Name=true` or `Name=false` between commas. */
export function featureGates(help: string): Setting<GateSettings> {
  const read = (json: unknown): Parsed<GateSettings> | undefined =>
    typeof json === "string" ? parseGates(json) : undefined;
  return { default: new Map(), help, isBoolean: false, parse: parseGates, file: { type: "string", read } };
}

function parseGates(text: string): Parsed<GateSettings> {
  const invalid = (reason: string): Parsed<GateSettings> => ({ kind: "invalid", reason });
  const said = new Map<string, boolean>();
  for (const part of text.split(",")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (equals < 0) return invalid(`missing bool value for ${name}`);
    const given = part.slice(equals + 1).trim();
    const isOn = parseGoBool(given);
    if (isOn === undefined) {
      const cause = `strconv.ParseBool: parsing ${JSON.stringify(given)}: invalid syntax`;
      return invalid(`invalid value of ${name}=${given}, err: ${cause}`);
    }
    said.set(name, isOn);
  }
  for (const name of said.keys())
    if (!names.includes(name as FeatureGate)) return invalid(`unrecognized feature gate: ${name}`);
  return { kind: "value", value: said as Map<FeatureGate, boolean> };
}

/** The state of every gate: what was said of it, else what was said of its stage, else its default. */
export function gateStates(said: GateSettings): readonly GateState[] {
  return names.map((name) => {
    const { stage, isOn } = gates[name];
    const isGroup = name === "AllAlpha" || name === "AllBeta";
    const ofStage = isGroup ? undefined : said.get(stage === "ALPHA" ? "AllAlpha" : "AllBeta");
    return { name, stage, isOn: said.get(name) ?? (ofStage === true ? true : isOn) };
  });
}
