import { ClientError } from "./client-error.js";

/** Where a member listens for clients. */
export type Endpoint = {
  /** As it was given, and as errors name it. */
  readonly url: string;
  readonly isTls: boolean;
  /** Form of gRPC's name syntax: "dns:host:port", "unix:path". */
  readonly target: string;
  /** Host or path, for certificates and traces. */
  readonly host: string;
  readonly port: number | undefined;
};

const defaultPort = 2379;

/**
 * Reads "http://host:2379", "https://host:2379", "unix:///path", "unixs:///path" or "host:2379".
 * @param isTlsDefault what an address without a scheme means.
 * @throws ClientError "client/bad-endpoint"
 */
export function parseEndpoint(url: string, isTlsDefault: boolean): Endpoint {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === "unix" || scheme === "unixs") {
    const path = url.slice(scheme.length + 3);
    if (path === "") throw badEndpoint(url, "the path of the socket is missing");
    return { url, isTls: scheme === "unixs", target: `unix:${path}`, host: path, port: undefined };
  }
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    throw badEndpoint(url, `the scheme "${scheme}" is not one of http, https, unix, unixs`);
  }
  let parsed: URL;
  try {
    // http's own port 80 would vanish from a URL, so the port is read from the text.
    parsed = new URL(scheme === undefined ? `http://${url}` : url);
  } catch (error) {
    throw badEndpoint(url, "it is no address", error);
  }
  if (parsed.hostname === "") throw badEndpoint(url, "the host is missing");
  if (parsed.pathname !== "/" && parsed.pathname !== "") throw badEndpoint(url, "it has a path");
  if (parsed.search !== "" || parsed.username !== "") throw badEndpoint(url, "it has more than a host and a port");
  const written = /:(\d+)\/?$/.exec(url)?.[1];
  const port = written === undefined ? defaultPort : Number(written);
  const isTls = scheme === undefined ? isTlsDefault : scheme === "https";
  return { url, isTls, target: `dns:${parsed.hostname}:${port}`, host: parsed.hostname.replace(/^\[|\]$/g, ""), port };
}

function badEndpoint(url: string, why: string, cause?: unknown): ClientError {
  return new ClientError({ code: "client/bad-endpoint", message: `cannot use the endpoint "${url}": ${why}`, cause });
}
