import type { HttpHandler } from "@quorate/transport";
import { errorText, methodNotAllowed, notFound } from "./http/answers.js";
import { type HealthPorts, healthPage } from "./http/health-page.js";
import type { Member } from "./member.js";

const paths: readonly string[] = ["/version", "/members", "/health"];

/**
 * What the peer port answers over HTTP: which version this is, who the members are, and how this one is. etcd's own protocol between members is not
 * spoken.
 */
export function createPeerHandler(ports: HealthPorts, member: () => Member | undefined): HttpHandler {
  return (request, info) => {
    const { pathname: path, searchParams } = new URL(request.url);
    if (!paths.includes(path)) return notFound();
    if (info.method !== "GET") return methodNotAllowed();
    if (path === "/health") return healthPage(searchParams, request.signal, ports);
    if (path === "/version") {
      const { server, cluster, storage } = ports.member.versions();
      return json({ etcdserver: server, etcdcluster: cluster ?? "not_decided", storage: storage ?? "unknown" });
    }
    const running = member();
    if (running === undefined) return errorText(503, "not started\n");
    // Ids are numbers of 64 bits here, which JSON.stringify cannot write.
    const members = running.state.membership.known().map(({ id, peerURLs, name, clientURLs, isLearner }) => {
      const rest = JSON.stringify({ peerURLs, ...(isLearner ? { isLearner } : {}), name, clientURLs });
      return `{"id":${id},${rest.slice(1)}`;
    });
    const headers = { "content-type": "application/json", "x-etcd-cluster-id": running.cluster.toString(16) };
    return new Response(`[${members.join(",")}]\n`, { headers });
  };
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), { headers: { "content-type": "application/json" } });
}
