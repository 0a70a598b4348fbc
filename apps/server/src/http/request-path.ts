/** Where a request goes. */
export type RequestPath =
  | { kind: "path"; segments: readonly string[]; escaped: string; query: string }
  /** The target is not the name of anything. */
  | { kind: "invalid" };

/** The host of an absolute target (`http://host/path`), which counts in place of the Host header. */
export function hostOfTarget(target: string): string | undefined {
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/([^/?#]*)/.exec(target)?.[1];
}

/** Takes a request target apart. Escapes are undone in each segment by itself, so that an escaped slash does not divide. */
export function parseTarget(target: string): RequestPath {
  const local = target.replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*/, "");
  const question = local.indexOf("?");
  const escaped = (question < 0 ? local : local.slice(0, question)) || "/";
  const query = question < 0 ? "" : local.slice(question + 1);
  try {
    return { kind: "path", segments: escaped.split("/").map(decodeURIComponent), escaped, query };
  } catch {
    return { kind: "invalid" }; // an escape that is none
  }
}

/** The path without empty, `.` and `..` segments; a slash at its end stays. */
export function cleanPath(escaped: string): string {
  const kept: string[] = [];
  for (const segment of escaped.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") kept.pop();
    else kept.push(segment);
  }
  return `/${kept.join("/")}${escaped.endsWith("/") && kept.length > 0 ? "/" : ""}`;
}

/** Sends the client to another path of this server. The page is for people and comes with GET only. */
export function redirect(method: string, path: string, query: string): Response {
  const location = query === "" ? path : `${path}?${query}`;
  const headers = new Headers({ location });
  if (method === "GET" || method === "HEAD") headers.set("content-type", "text/html; charset=utf-8");
  const body = method === "GET" ? `<a href="${escapeHtml(location)}">Temporary Redirect</a>.\n\n` : null;
  return new Response(body, { status: 307, headers });
}

function escapeHtml(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&#34;");
}
