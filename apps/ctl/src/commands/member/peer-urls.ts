import { CommandFailure } from "../../command-failure.js";
import { ExitCode } from "../../exit-codes.js";

/**
 * Checks the URLs of a member before anybody is asked, as etcd's client does.
 * @returns the URLs.
 * @throws CommandFailure, exit code 1
 */
export function checkPeerUrls(list: string): string[] {
  const urls = list.split(",");
  for (const url of urls) {
    const problem = problemOf(url.trim());
    if (problem !== undefined) throw new CommandFailure(ExitCode.Error, problem);
  }
  return urls;
}

function problemOf(url: string): string | undefined {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(url) ?? [];
  if (scheme === "unix" || scheme === "unixs") return undefined;
  if (scheme !== "http" && scheme !== "https") return `URL scheme must be http, https, unix, or unixs: ${url}`;
  const [, host = "", path = ""] = /^([^/?#]*)([^?#]*)/.exec(rest) ?? [];
  if (!/^(\[[^\]]*\]|[^:]*):[^:]*$/.test(host)) return `URL address does not have the form "host:port": ${url}`;
  return path === "" ? undefined : `URL must not contain a path: ${url}`;
}
