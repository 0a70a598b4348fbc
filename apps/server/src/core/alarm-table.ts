import { AlarmMember, AlarmType } from "@quorate/proto";

const bucket = "alarm";

/** Where alarms are kept: a side table of the store. */
export interface AlarmStore {
  bucket(name: string): ReadonlyMap<string, Uint8Array>;
}

/** Writes of the entry that is being applied. */
export interface AlarmWriter {
  setBucket(bucket: string, key: string, value: Uint8Array | undefined): void;
}

/** The alarms that are active in the cluster, replicated and kept over restarts. */
export class AlarmTable {
  readonly #active = new Map<string, AlarmMember>();

  constructor(store: AlarmStore) {
    this.reload(store);
  }

  /** Reads the alarms again: a snapshot has taken the place of the store. */
  reload(store: AlarmStore): void {
    this.#active.clear();
    for (const key of store.bucket(bucket).keys()) {
      this.#active.set(key, AlarmMember.decode(Buffer.from(key, "latin1")));
    }
  }

  /** The active alarms of a kind; `AlarmType.NONE` means of all kinds. Sorted by their encoded form. */
  list(alarm: number): readonly AlarmMember[] {
    const keys = [...this.#active.keys()].sort();
    const all = keys.map((key) => this.#active.get(key) as AlarmMember);
    return alarm === AlarmType.NONE ? all : all.filter((member) => member.alarm === alarm);
  }

  isActive(alarm: number): boolean {
    for (const member of this.#active.values()) if (member.alarm === alarm) return true;
    return false;
  }

  /** Activates an alarm of a member. @returns what the caller is told: the alarm, or nothing for `AlarmType.NONE`. */
  activate(writer: AlarmWriter, member: AlarmMember): readonly AlarmMember[] {
    if (member.alarm === AlarmType.NONE) return [];
    const key = keyOf(member);
    this.#active.set(key, member);
    writer.setBucket(bucket, key, new Uint8Array(0));
    return [member];
  }

  /** Deactivates exactly this alarm of this member. @returns the alarm, or nothing when it was not active. */
  deactivate(writer: AlarmWriter, member: AlarmMember): readonly AlarmMember[] {
    const key = keyOf(member);
    const found = this.#active.get(key);
    if (found === undefined) return [];
    this.#active.delete(key);
    writer.setBucket(bucket, key, undefined);
    return [found];
  }
}

function keyOf(member: AlarmMember): string {
  return Buffer.from(AlarmMember.encode(member)).toString("latin1");
}
