import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { X509Certificate } from "node:crypto";
import { type ClusterId, type MemberId, silentLogger } from "@quorate/common";
import {
  createListener,
  createPeerNetwork,
  GrpcServices,
  type GrpcPeerNetwork,
  peerListenerLimits,
  systemPorts,
} from "@quorate/transport";
import { afterEach, describe, expect, it } from "vitest";
import { type CertificateWish, makeCertificate } from "../src/certificates/make-certificate.js";
import { ensureOwnCertificate, ownCertificateFiles } from "../src/certificates/self-signed.js";
import type { ListenerPlan, PeerTlsSettings } from "../src/config/config.js";
import { type NameService, peerListenerTls, peerTlsOf, whyElsewhere } from "../src/peer-tls.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of cleanups.splice(0).reverse()) await run();
});

const authority: CertificateWish = {
  commonName: "authority",
  organization: "test",
  hosts: [],
  notBeforeMs: Date.UTC(2020, 0, 1),
  notAfterMs: Date.UTC(2120, 0, 1),
  isAuthority: true,
  serial: new Uint8Array([1]),
};
const ca = { made: makeCertificate(authority), wish: authority };
const [one, two] = [1n as MemberId, 2n as MemberId];
const plan: ListenerPlan = {
  address: { host: "127.0.0.1", port: 0 },
  urls: [],
  accepts: "combined",
  takesPlain: false,
  takesTls: true,
};

function issue(commonName: string, hosts: readonly string[]) {
  return makeCertificate({ ...authority, commonName, hosts, isAuthority: false, serial: new Uint8Array([9]) }, ca);
}

/** Files of a member whose certificate has these names. */
function settingsFor(commonName: string, hosts: readonly string[], changes: Partial<PeerTlsSettings> = {}) {
  const directory = mkdtempSync(join(tmpdir(), "peer-tls-"));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const [certFile, keyFile, trustedCaFile] = ["cert", "key", "ca"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const made = issue(commonName, hosts);
  writeFileSync(certFile, made.cert);
  writeFileSync(keyFile, made.key);
  writeFileSync(trustedCaFile, ca.made.cert);
  const settings: PeerTlsSettings = {
    certFile,
    keyFile,
    clientCertFile: certFile,
    clientKeyFile: keyFile,
    trustedCaFile,
    requiresClientCertificate: true,
    allowedCommonNames: [],
    allowedHostnames: [],
    checksClientAddress: true,
    ownCertificate: undefined,
    minVersion: undefined,
    maxVersion: undefined,
    ciphers: undefined,
    ...changes,
  };
  return settings;
}

function network(self: MemberId, settings: PeerTlsSettings): GrpcPeerNetwork {
  const version = { server: "3.7.1", minCluster: "3.0.0" };
  const limits = { reconnectMinMs: 5, reconnectMaxMs: 20 };
  const made = createPeerNetwork(
    { self, cluster: 7n as ClusterId, version, tls: peerTlsOf({ peerTls: settings }), limits },
    systemPorts(),
  );
  cleanups.push(() => made.stop());
  return made;
}

/** Starts a listener, and a member that connects to it. */
async function start(server: PeerTlsSettings, client: PeerTlsSettings) {
  const rejections: string[] = [];
  const ports = systemPorts();
  const logger = {
    ...ports.logger,
    warn: (_: string, fields?: object) => void rejections.push(String((fields as { error?: string })?.error)),
  };
  const services = new GrpcServices();
  network(two, server).register(services);
  const listener = createListener(
    { services, limits: peerListenerLimits, tls: peerListenerTls(server, plan) },
    { ...ports, logger },
  );
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  cleanups.push(() => listener.stop({ graceMs: 0 }));
  const caller = network(one, client);
  caller.setPeers([{ member: two, urls: [`https://127.0.0.1:${port}`] }]);
  return { rejections, isConnected: () => caller.status(two)?.isConnected === true };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const here = ["127.0.0.1"];

describe("TLS between members", () => {
  it("connects members with certificates of one authority", async () => {
    const { isConnected } = await start(settingsFor("b", here), settingsFor("a", here));
    await until(isConnected);
  });

  it("lets in who has an allowed common name, and speaks to nobody else", async () => {
    const allowed = { allowedCommonNames: ["member"] };
    const good = await start(settingsFor("member", here, allowed), settingsFor("member", here, allowed));
    await until(good.isConnected);
    const bad = await start(settingsFor("member", here, allowed), settingsFor("other", here));
    await until(() => bad.rejections.includes("client certificate authentication failed"));
    expect(bad.isConnected()).toBe(false);
  });

  it("lets in who has an allowed host name", async () => {
    const allowed = { allowedHostnames: ["members.example.com"] };
    const names = [...here, "members.example.com"];
    const good = await start(settingsFor("a", names, allowed), settingsFor("b", names, allowed));
    await until(good.isConnected);
    const bad = await start(settingsFor("a", names, allowed), settingsFor("b", here));
    await until(() => bad.rejections.includes("client certificate authentication failed"));
    expect(bad.isConnected()).toBe(false);
  });

  it("refuses a certificate that names another address, unless that is not to be looked at", async () => {
    const elsewhere = settingsFor("b", ["10.9.9.9"]);
    const bad = await start(settingsFor("a", here), elsewhere);
    await until(() => bad.rejections.some((text) => text.includes("certificate is valid for 10.9.9.9, not 127.0.0.1")));
    expect(bad.isConnected()).toBe(false);
    const good = await start(settingsFor("a", here, { checksClientAddress: false }), elsewhere);
    await until(good.isConnected);
  });

  it("connects members with certificates that each has made for itself", async () => {
    const ports = { ...systemPorts(), logger: silentLogger };
    const makeOwn = () => {
      const settings = settingsFor("unused", here);
      const directory = join(dirname(settings.certFile), "fixtures", "peer");
      const own = { directory, hosts: here, validYears: 1 };
      ensureOwnCertificate(own, ports);
      const { certFile, keyFile } = ownCertificateFiles(directory);
      const before = readFileSync(certFile, "utf8");
      ensureOwnCertificate(own, ports);
      expect(readFileSync(certFile, "utf8")).toBe(before); // what is there stays
      expect(statSync(keyFile).mode & 0o777).toBe(0o600);
      return settingsFor("unused", here, {
        certFile,
        keyFile,
        clientCertFile: certFile,
        clientKeyFile: keyFile,
        trustedCaFile: undefined,
        requiresClientCertificate: false,
        ownCertificate: own,
      });
    };
    const { isConnected } = await start(makeOwn(), makeOwn());
    await until(isConnected);
  });

  it("reads certificates that were replaced", async () => {
    const server = settingsFor("b", ["10.9.9.9"]);
    const { isConnected, rejections } = await start(server, settingsFor("a", here));
    await until(() => rejections.length > 0); // the caller does not find its host in the certificate
    const made = issue("b", here);
    writeFileSync(server.keyFile, made.key);
    writeFileSync(server.certFile, made.cert);
    await until(isConnected);
  });
});

describe("whyElsewhere", () => {
  const names: NameService = {
    namesOf: async (address) => {
      if (address !== "10.0.0.1") throw new Error("ENOTFOUND");
      return ["One.Example.com."];
    },
    addressesOf: async (name) => {
      if (name !== "two.example.org") throw new Error("ENOTFOUND");
      return ["10.0.0.2"];
    },
  };
  const cases: readonly (readonly [string, readonly string[], string, string | undefined])[] = [
    ["no names", [], "10.0.0.9", undefined],
    ["its address", ["10.0.0.9", "x.y"], "10.0.0.9", undefined],
    ["the name of its address", ["one.example.com"], "10.0.0.1", undefined],
    ["a pattern for the name of its address", ["*.example.com"], "10.0.0.1", undefined],
    ["a name that has its address", ["two.example.org"], "10.0.0.2", undefined],
    [
      "only another's name",
      ["two.example.org"],
      "10.0.0.1",
      'tls: "10.0.0.1" does not match any of DNSNames ["two.example.org"]',
    ],
    [
      "a pattern that does not fit",
      ["*.example.org"],
      "10.0.0.1",
      'tls: "10.0.0.1" does not match any of DNSNames ["*.example.org"]',
    ],
  ];
  for (const [title, hosts, address, why] of cases) {
    it(`looks at a certificate that has ${title}`, async () => {
      expect(await whyElsewhere(new X509Certificate(issue("m", hosts).cert), address, names)).toBe(why);
    });
  }
});
