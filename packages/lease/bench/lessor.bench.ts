import type { LeaseId, LogIndex } from "@quorate/common";
import { test } from "vitest";
import { Lessor } from "../src/index.js";

const leases = 100_000;
const lessor = new Lessor();
for (let id = 1; id <= leases; id++) {
  lessor.grant({ id: BigInt(id) as LeaseId, ttlSeconds: 60 + (id % 600), grantedAt: 1 as LogIndex }, 0);
}
lessor.promote(0, 1000);
const ids = Array.from({ length: leases }, (_, index) => BigInt(index + 1) as LeaseId);
let turn = 0;

test("renew one of 100 thousand leases", async ({ bench }) => {
  const result = bench("renew", () => {
    turn += 1;
    lessor.renew(ids[(turn * 7919) % leases] as LeaseId, (turn % 20_000) / 10);
  });
  await result.run();
});

test("a look that finds nothing among 100 thousand leases", async ({ bench }) => {
  const result = bench("tick", () => {
    turn += 1;
    lessor.tick(turn * 1e-6);
  });
  await result.run();
});
