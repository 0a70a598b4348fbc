/**
 * One event of 300 B to 1000 open streams on 10 connections: core time per message sent, socket writes included.
 * node bench/fan-out.bench.ts. Needs a build. The readers are a process of their own.
 */
import { spawn } from "node:child_process";
import { createListener, GrpcServices, type StreamCall, systemPorts } from "@quorate/transport";

const reader = `
const { connect } = require("node:net");
const frame = (type, flags, id, payload) => { const h = Buffer.alloc(9); h.writeUIntBE(payload.length, 0, 3); h[3] = type; h[4] = flags; h.writeUInt32BE(id, 5); return Buffer.concat([h, payload]); };
const literal = (name, value) => Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
const block = Buffer.concat([Buffer.from([0x83, 0x86]), literal(":path", "/bench.Feed/Watch"), literal("content-type", "application/grpc")]);
const max = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
for (let c = 0; c < 10; c++) {
  const socket = connect(Number(process.argv[1]), "127.0.0.1");
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n"), frame(4, 0, 0, Buffer.concat([Buffer.from([0, 4]), max])), frame(8, 0, 0, Buffer.from([0x3f, 0xff, 0xff, 0xff]))]));
  for (let s = 0; s < 100; s++) socket.write(frame(1, 4, 2 * s + 1, block));
  socket.on("data", () => {});
  socket.on("error", () => {});
}`;

const calls: StreamCall[] = [];
const services = new GrpcServices();
services.bidi("/bench.Feed/Watch", (call) => {
  calls.push(call);
});
const listener = createListener({ services }, systemPorts());
const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
const child = spawn(process.execPath, ["-e", reader, String(port)], { stdio: "inherit" });
while (calls.length < 1000) await new Promise((resolve) => setTimeout(resolve, 10));

const event = Buffer.alloc(280, "e");
for (let round = 0; round < 5; round++) {
  const events = 300;
  const before = process.cpuUsage();
  for (let i = 0; i < events; i++) {
    const head = Buffer.from([0x0a, 18, i & 0x7f, ...new Uint8Array(17)]); // each event has a head of its own for all watchers
    for (const call of calls) call.sendParts([head, event]);
    listener.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(before);
  console.log(`send of 300 B to 1000 streams: ${((user + system) / events / calls.length).toFixed(3)} us per message`);
}
child.kill();
await listener.stop({ graceMs: 0 });
