import { describe, expect, it } from "vitest";
import { defaultHostOf } from "../../src/process/default-host.js";

const head = "Iface\tDestination\tGateway\tFlags\tRefCnt\n";
const interfaces = {
  eth0: [
    { address: "fe80::1", family: "IPv6" },
    { address: "10.1.2.3", family: "IPv4" },
  ],
};

describe("defaultHostOf", () => {
  it("takes the address of the interface of the default route", () => {
    expect(defaultHostOf(`${head}eth1\t0000A8C0\t0\t0001\neth0\t00000000\t0101A8C0\t0003\n`, interfaces)).toBe(
      "10.1.2.3",
    );
  });

  it("finds none without such a route, or with one that is down", () => {
    expect(defaultHostOf(head, interfaces)).toBeUndefined();
    expect(defaultHostOf(`${head}eth0\t00000000\t0\t0002\n`, interfaces)).toBeUndefined();
    expect(defaultHostOf(`${head}eth9\t00000000\t0\t0003\n`, interfaces)).toBeUndefined();
  });
});
