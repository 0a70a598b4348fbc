import { ClientError, parseEndpoint } from "@quorate/client";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import type { GlobalValues } from "../frame/global-flags.js";
import { logLine } from "../output/log-line.js";
import type { World } from "../world.js";
import { deadlineText } from "./go-error.js";

/**
 * The members to ask: those of --discovery-srv if it is given, else those of --endpoints. Addresses that are none are mentioned in
 * the log and left out.
 * @throws CommandFailure when none is left. Etcd's client waits for ever for such addresses; its words are kept, not the wait.
 */
export async function findEndpoints(globals: GlobalValues, world: World): Promise<string[]> {
  const domain = globals["discovery-srv"];
  const named = domain === "" ? globals.endpoints : await discover(domain, globals, world);
  const urls = named.filter((url) => url !== "");
  if (urls.length === 0) throw new CommandFailure(ExitCode.BadConnection, "etcdclient: no available endpoints");
  const good = urls.filter((url) => isUsable(url, world));
  if (good.length === 0) throw new CommandFailure(ExitCode.Error, deadlineText);
  return good;
}

function isUsable(url: string, world: World): boolean {
  try {
    parseEndpoint(url, false);
    return true;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const fields = { target: url, error: error.message };
    world.stderr.write(logLine(world, { level: "warn", logger: "etcd-client", message: "endpoint left out", fields }));
    return false;
  }
}

/** The names under which members are looked up, as etcd's do it. */
async function discover(domain: string, globals: GlobalValues, world: World): Promise<string[]> {
  const suffix = globals["discovery-srv-name"];
  const end = suffix === "" ? "" : `-${suffix}`;
  const lookUp = async (service: string, scheme: string) => {
    const name = `_${service}${end}._tcp.${domain}`;
    try {
      const targets = await world.resolveService(name);
      return { urls: targets.map(({ host, port }) => `${scheme}://${host}:${port}`), problem: undefined };
    } catch (error) {
      return { urls: [], problem: `error querying DNS SRV records for ${name}: ${String(error)}` };
    }
  };
  const secure = await lookUp("etcd-client-ssl", "https");
  const plain = await lookUp("etcd-client", "http");
  if (secure.problem !== undefined && plain.problem !== undefined) {
    throw new CommandFailure(ExitCode.Error, `${secure.problem}\n${plain.problem}`);
  }
  return [...secure.urls, ...(globals["insecure-discovery"] ? plain.urls : [])];
}
