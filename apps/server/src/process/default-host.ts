/** Addresses of an interface, as `os.networkInterfaces` gives them. */
export type Addresses = readonly Readonly<{ address: string; family: string }>[];

const routeUp = 1;

/**
 * The IPv4 address of the interface that the default route goes through.
 * @param routes the text of `/proc/net/route`.
 * @returns undefined when there is no such route, or no such address.
 */
export function defaultHostOf(
  routes: string,
  interfaces: Readonly<Record<string, Addresses | undefined>>,
): string | undefined {
  for (const line of routes.split("\n").slice(1)) {
    const [name = "", destination, , flags = "0"] = line.split("\t");
    if (destination !== "00000000" || (Number.parseInt(flags, 16) & routeUp) === 0) continue;
    return interfaces[name]?.find(({ family }) => family === "IPv4")?.address;
  }
  return undefined;
}
