import { ClientError, type SnapshotChunk } from "@quorate/client";
import { CommandFailure } from "../command-failure.js";
import { deadlineText, errorText, isLoginFailure, statusText } from "../connection/go-error.js";
import { noTimeout, type Session } from "../connection/session.js";
import { systemText } from "../connection/tls-settings.js";
import { ExitCode } from "../exit-codes.js";
import { defineCommand } from "../frame/command.js";
import { formatDuration } from "../frame/go-values.js";
import { logLine } from "../output/log-line.js";
import { sizeText } from "../output/size-text.js";
import type { OutputFile, World } from "../world.js";
import { badArguments } from "./message-forms.js";

/** What a file has beyond whole pages when it ends with a SHA-256 digest. */
const digestBytes = 32;
const pageBytes = 512;
const retryAfterMs = 200;

const snapshotSave = defineCommand({
  name: "save",
  usage: "<filename>",
  short: "Stores an etcd node backend snapshot to a given file",
  long: `Stores the database of one member in a file, while the member goes on.

The file ends with a digest of what is before it. It is written beside its place and moved there when it is whole and on disk.
There is no limit in time unless --command-timeout is given.`,
  async run(context) {
    const [path = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("snapshot save expects one argument <filename>");
    const session = await context.connect();
    if (session.endpoints.length !== 1) {
      const list = session.endpoints.join(" ");
      throw interrupted(`snapshot must be requested to one selected node, not multiple [${list}]`);
    }
    const isBounded = context.isGiven("command-timeout") || (context.world.env.ETCDCTL_COMMAND_TIMEOUT ?? "") !== "";
    const timeoutMs = isBounded ? context.timeoutMs : noTimeout;
    const version = await save(session, path, timeoutMs, context.world);
    context.printText((page) => {
      page.line(`Snapshot saved at ${path}`);
      if (version !== "") page.line(`Server version ${version}`);
    });
    return undefined;
  },
});

export const snapshot = defineCommand({
  name: "snapshot",
  short: "Manages etcd node snapshots",
  group: "Cluster maintenance commands",
  commands: [snapshotSave],
});

/** @returns the storage version that the member has told; empty if it tells none. */
async function save(session: Session, path: string, timeoutMs: number, world: World): Promise<string> {
  const part = `${path}.part`;
  const file = attempt(() => world.createFile(part), `could not open ${part} (open ${part}`);
  const info = (message: string, fields: Readonly<Record<string, string>>) =>
    world.stderr.write(logLine(world, { level: "info", message, fields }));
  try {
    info("created temporary db file", { path: part });
    const startMs = world.clock.nowMs();
    const { version, size } = await fetchInto(file, session, timeoutMs, info, world);
    info("fetched snapshot", {
      endpoint: session.endpoints[0] ?? "",
      size: sizeText(BigInt(size)),
      took: formatDuration(world.clock.nowMs() - startMs),
      "etcd-version": version,
    });
    attempt(() => world.renameFile(part, path), `could not rename ${part} to ${path} (rename ${part} ${path}`);
    info("saved", { path });
    return version;
  } finally {
    world.removeFile(part);
  }
}

async function fetchInto(
  file: OutputFile,
  session: Session,
  timeoutMs: number,
  info: (message: string, fields: Readonly<Record<string, string>>) => void,
  world: World,
): Promise<{ version: string; size: number }> {
  let version = "";
  let size = 0;
  try {
    for await (const chunk of chunks(session, timeoutMs, world)) {
      if (size === 0) info("fetching snapshot", { endpoint: session.endpoints[0] ?? "" });
      if (chunk.version !== "") version = chunk.version;
      size += chunk.bytes.length;
      file.write(chunk.bytes);
    }
    if (size % pageBytes !== digestBytes) throw interrupted(`sha256 checksum not found [bytes: ${size}]`);
    file.sync();
  } catch (error) {
    if (!(error instanceof ClientError) || isLoginFailure(error)) throw error;
    const isLocal = error.code.startsWith("client/") || errorText(error) === deadlineText;
    throw interrupted(isLocal ? errorText(error) : statusText(error));
  } finally {
    file.close();
  }
  return { version, size };
}

/** The member's database. A member that cannot be reached is waited for; one that stops in the middle is not. */
async function* chunks(session: Session, timeoutMs: number, world: World): AsyncGenerator<SnapshotChunk, void> {
  const untilMs = world.clock.nowMs() + timeoutMs;
  let isBegun = false;
  for (;;) {
    const leftMs = untilMs - world.clock.nowMs();
    try {
      if (leftMs <= 0) throw new ClientError({ code: "client/deadline", message: "nobody answered in time" });
      for await (const chunk of session.client.maintenance.snapshot({ timeoutMs: leftMs })) {
        isBegun = true;
        yield chunk;
      }
      return;
    } catch (error) {
      if (isBegun || !(error instanceof ClientError) || error.code !== "client/unreachable") throw error;
    }
    await new Promise<void>((resolve) => world.clock.after(retryAfterMs, resolve));
  }
}

/** @param words of what failed, up to the system's reason. @throws CommandFailure, exit code 5 */
function attempt<T>(run: () => T, words: string): T {
  try {
    return run();
  } catch (error) {
    throw interrupted(`${words}: ${systemText(error)})`, error);
  }
}

function interrupted(message: string, cause?: unknown): CommandFailure {
  return new CommandFailure(ExitCode.Interrupted, message, { cause });
}
