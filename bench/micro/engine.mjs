// The HTTP/2 and gRPC engine alone: parse, dispatch and answer one unary request; processor time of this process, which does nothing else. The load
// comes from another process.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createListener, GrpcServices, systemPorts } from "../../packages/transport/dist/index.js";
import { say } from "./measure.mjs";

const load = join(import.meta.dirname, "..", "load.mjs");
const services = new GrpcServices();
services.unary("/etcdserverpb.KV/Put", (call, message) => call.reply(message));
const listener = createListener({ services, accepts: "grpcOnly" }, systemPorts());
const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });

async function each(n) {
  const before = process.cpuUsage();
  const { stdout } = await promisify(execFile)(process.execPath, [load, "--op=put", `--port=${port}`, `--n=${n}`]);
  const { errors, done } = JSON.parse(stdout);
  if (errors > 0) throw new Error(`${errors} requests were refused`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / done;
}

await each(50_000);
const rounds = [await each(200_000), await each(200_000), await each(200_000)].sort((a, b) => a - b);
await listener.stop({ graceMs: 0 });
say([
  {
    id: "engine-unary",
    name: "engine: parse, dispatch and answer one unary request, 400 in flight",
    value: rounds[1],
    unit: "us",
    budget: 5,
  },
]);
