import { errorText } from "./answers.js";

const anything = "*";

/** True when the name in a Host header may be used. The port does not count; everything else does, case included. */
export function isHostAllowed(host: string | undefined, whitelist: readonly string[]): boolean {
  return whitelist.includes(anything) || whitelist.includes(nameOf(host ?? ""));
}

/** The name without a port. Brackets stay where no port follows, as in Go. */
function nameOf(host: string): string {
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*)):[^:]*$/.exec(host);
  return found === null ? host : (found[1] ?? found[2] ?? "");
}

/** True when a Host header holds only what names, addresses and ports are made of. */
export function isHostWellFormed(host: string): boolean {
  return /^[!$%&'()*+,\-.0-9:;=A-Z[\]_a-z~]*$/.test(host);
}

/** The answer to a Host header that is no name at all. */
export function malformedHost(): Response {
  const headers = { "content-type": "text/plain; charset=utf-8", connection: "close" };
  return new Response("400 Bad Request: malformed Host header", { status: 400, headers });
}

/** The answer to a host that is not on the list. */
export function hostNotAllowed(host: string | undefined): Response {
  return errorText(
    421,
    `
etcd received your request, but the Host header was unrecognized.

To fix this, choose one of the following options:
- Enable TLS, then any HTTPS request will be allowed.
- Add the hostname you want to use to the whitelist in settings.
  - e.g. etcd --host-whitelist ${JSON.stringify(nameOf(host ?? ""))}

This requirement has been added to help prevent "DNS Rebinding" attacks (CVE-2018-5702).

`,
  );
}

/** The origin that answers allow, or undefined for none: the same text as the request's, unless all are allowed. */
export function allowedOrigin(origin: string | undefined, origins: readonly string[]): string | undefined {
  if (origins.includes(anything)) return anything;
  return origin !== undefined && origins.includes(origin) ? origin : undefined;
}

/** Tells browsers which pages may read the answer. */
export function addCorsHeaders(response: Response, origin: string): Response {
  response.headers.set("access-control-allow-methods", "POST, GET, OPTIONS, PUT, DELETE");
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-allow-headers", "accept, content-type, authorization");
  return response;
}
