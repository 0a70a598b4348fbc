import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Metrics } from "@quorate/telemetry";

const compress = promisify(gzip);

/**
 * `/metrics`: exactly etcd's families, so that what was made for etcd works and can be compared; with `?quorate` also those that etcd does not have.
 * Compressed when the client takes that.
 */
export async function metricsPage(request: Request, query: URLSearchParams, metrics: Metrics): Promise<Response> {
  const body = await metrics.expose({ withOwn: query.has("quorate") });
  const headers = { "content-type": metrics.contentType };
  if (!takesGzip(request.headers.get("accept-encoding") ?? "")) return new Response(body, { headers });
  const packed = await compress(body);
  return new Response(new Uint8Array(packed), { headers: { ...headers, "content-encoding": "gzip" } });
}

function takesGzip(accepted: string): boolean {
  return accepted.split(",").some((part) => {
    const [coding = "", ...parameters] = part.split(";").map((word) => word.trim().toLowerCase());
    return coding === "gzip" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
