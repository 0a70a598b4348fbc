const plainText = "text/plain; charset=utf-8";

/** A page of text that browsers must not take for anything else, as Go's `http.Error` makes it. */
export function errorText(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, {
    status,
    headers: { "content-type": plainText, "x-content-type-options": "nosniff", ...headers },
  });
}

/** The answer for paths that nobody serves. */
export function notFound(): Response {
  return errorText(404, "404 page not found\n");
}

/** The answer to other methods than GET. */
export function methodNotAllowed(body = "Method Not Allowed\n"): Response {
  return errorText(405, body, { allow: "GET" });
}

/** Text as a page. */
export function text(body: string): Response {
  return new Response(body, { status: 200, headers: { "content-type": plainText } });
}

/** An answer without its body, for HEAD. */
export function withoutBody(response: Response): Response {
  return new Response(null, { status: response.status, headers: response.headers });
}
