import { codecOf, KeyValue, ProtoError, PutRequest, RangeResponse, services, toJson, Writer } from "../src/index.js";

const text = (value: string) => new TextEncoder().encode(value);

// Absent fields are defaults. 64-bit integers are bigint and exact.
const bytes = PutRequest.encode({ key: text("lock/1"), value: text("held"), lease: 7587870152021180417n });
const put = PutRequest.decode(bytes);
console.log(put.lease, put.prevKv, put.value.buffer === bytes.buffer); // bytes are views

// Records that are encoded already are framed as they are. `take` gives a view, `finish` would copy.
const record = KeyValue.encode({ key: put.key, value: put.value, version: 1n });
const writer = new Writer();
RangeResponse.write({ count: 1n }, writer);
writer.tag(2, 2);
writer.bytes(record);
console.log(RangeResponse.decode(writer.take()).kvs.length);

// Everything can be found by name.
const method = services.get("etcdserverpb.KV")?.methods.find((one) => one.name === "Put");
console.log(method?.path, method?.http[0]?.path);
const message = codecOf(method?.request ?? "").decode(bytes) as PutRequest;
console.log(JSON.stringify(toJson("etcdserverpb.PutRequest", message, { fieldNames: "proto" })));

try {
  PutRequest.decode(bytes, 0, 5);
} catch (error) {
  if (error instanceof ProtoError) console.log(error.fault);
}
