/**
 * The same unary echo on this engine, on bare `node:http2` and on `@grpc/grpc-js`, in turns: requests per second and core time per request.
 * node bench/other-engines.bench.ts. Needs a build.
 */
import { execFile } from "node:child_process";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { createListener, GrpcServices, systemPorts } from "@quorate/transport";

const generator = fileURLToPath(new URL("./generate-load.ts", import.meta.url));

async function startOwn(): Promise<number> {
  const services = new GrpcServices();
  services.unary("/bench.Echo/Unary", (call, message) => call.reply(message));
  return (await createListener({ services }, systemPorts()).listen({ host: "127.0.0.1", port: 0 })).port;
}

async function startHttp2(): Promise<number> {
  const server = createServer();
  server.on("stream", (stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.end(Buffer.concat(chunks));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function startGrpcJs(): Promise<number> {
  const same = (bytes: Buffer): Buffer => bytes;
  const server = new Server();
  const method = {
    path: "/bench.Echo/Unary",
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService(
    { Unary: method },
    { Unary: (call: { request: Buffer }, done: (error: null, value: Buffer) => void) => done(null, call.request) },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

async function measure(title: string, port: number, requests: number): Promise<void> {
  const before = process.cpuUsage();
  const args = [generator, port, requests, 400, 4, 256].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { user, system } = process.cpuUsage(before);
  console.log(`${title}: ${stdout.trim()} core ${((user + system) / requests).toFixed(2)} us per request`);
}

const ports = { own: await startOwn(), http2: await startHttp2(), grpcJs: await startGrpcJs() };
for (let round = 0; round < 3; round++) {
  await measure("own engine", ports.own, 200_000);
  await measure("node:http2", ports.http2, 40_000);
  await measure("@grpc/grpc-js", ports.grpcJs, 20_000);
}
process.exit(0);
