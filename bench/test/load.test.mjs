import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PutRequest, PutResponse, RangeRequest, TxnRequest } from "../../packages/proto/dist/index.js";
import { createListener, GrpcServices, systemPorts } from "../../packages/transport/dist/index.js";
import { runLoad } from "../load/unary.mjs";

/** A server that hands each request to `answer`, which answers it. */
async function serve(answer) {
  const services = new GrpcServices();
  for (const method of ["Put", "Range", "Txn"]) {
    services.unary(`/etcdserverpb.KV/${method}`, (call, message) => answer(call, Buffer.from(message)));
  }
  const listener = createListener({ services, accepts: "grpcOnly" }, systemPorts());
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  return { port, stop: () => listener.stop({ graceMs: 0 }) };
}

async function requestsOf(options) {
  const requests = [];
  const { port, stop } = await serve((call, message) => {
    requests.push(message);
    call.reply(PutResponse.encode({}));
  });
  const result = await runLoad({ port, ...options });
  await stop();
  return { requests, result };
}

describe("runLoad", () => {
  it("sends each key once when asked to, with values of the asked length", async () => {
    const options = { op: "put", n: 500, keys: 500, sequential: true, inflight: 40, value: 300 };
    const { requests, result } = await requestsOf(options);
    const puts = requests.map((message) => PutRequest.decode(message));
    assert.equal(new Set(puts.map(({ key }) => Buffer.from(key).toString())).size, 500);
    assert.ok(puts.every(({ key }) => /^\/bench\/\d{12}$/.test(Buffer.from(key).toString())));
    assert.ok(puts.every(({ value }) => value.length === 300));
    assert.deepEqual([result.done, result.errors], [500, 0]);
    assert.ok(result.loadCores > 0 && result.perSecond > 0 && result.p99us >= result.p50us);
  });

  it("counts an answer without a message as refused", async () => {
    let turn = 0;
    const { port, stop } = await serve((call) => {
      if (turn++ % 4 === 0) call.fail({ code: 8, message: "etcdserver: too many requests" });
      else call.reply(PutResponse.encode({ prevKv: { key: Buffer.from("k") } }));
    });
    const { done, errors } = await runLoad({ port, op: "put", n: 200, inflight: 20 });
    await stop();
    assert.deepEqual([done, errors], [200, 50]);
  });

  it("asks for ranges as long as they should be", async () => {
    const { requests } = await requestsOf({ op: "range", n: 50, keys: 1000, span: 100, inflight: 4 });
    const numberOf = (bytes) => Number(Buffer.from(bytes).toString().slice(-12));
    for (const message of requests) {
      const { key, rangeEnd } = RangeRequest.decode(message);
      assert.equal(numberOf(rangeEnd) - numberOf(key), 100);
      assert.ok(numberOf(rangeEnd) <= 1000);
    }
  });

  it("mixes transactions that write with such that read", async () => {
    const { requests } = await requestsOf({ op: "txn", n: 200, keys: 1000, span: 1, inflight: 4 });
    const writes = requests.map((message) => TxnRequest.decode(message)).filter(({ compare }) => compare.length === 1);
    assert.ok(writes.length > 50 && writes.length < 150);
    const kinds = (operations) => operations.map(({ request }) => request.kind);
    for (const { compare, success, failure } of writes) {
      assert.deepEqual([compare[0].result, compare[0].target], [1, 2]); // greater, modification
      assert.deepEqual([kinds(success), kinds(failure)], [["requestPut", "requestRange"], ["requestPut"]]);
      assert.deepEqual(Buffer.from(compare[0].key), Buffer.from(success[0].request.value.key));
    }
  });

  it("says when the server goes away", async () => {
    const { port, stop } = await serve(() => void setImmediate(stop));
    await assert.rejects(runLoad({ port, op: "put", n: 100, inflight: 10 }), /closed a connection|ECONNRESET/);
  });
});
