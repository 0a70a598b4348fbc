import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/read-config.js";

const files = ["--peer-cert-file=c", "--peer-key-file=k"];

function read(...argv: string[]) {
  const runtime = { version: "v24.9.0", platform: "linux", architecture: "x64" };
  return readConfig({ argv, environment: {}, readFile: () => new Uint8Array(0), runtime });
}

function peerTls(...argv: string[]) {
  const result = read(...argv);
  if (result.kind === "exit") throw new Error(JSON.stringify(result.lines));
  return result.config.peerTls;
}

function errorOf(...argv: string[]): unknown {
  const result = read(...argv);
  return result.kind === "run" ? undefined : result.lines.at(-1)?.fields?.error;
}

describe("settings of TLS between members", () => {
  it("are none without a certificate", () => {
    expect(peerTls()).toBeUndefined();
  });

  it("use the listeners' certificate for connecting, too, and check where peers come from", () => {
    expect(peerTls(...files)).toEqual({
      certFile: "c",
      keyFile: "k",
      clientCertFile: "c",
      clientKeyFile: "k",
      trustedCaFile: undefined,
      requiresClientCertificate: false,
      allowedCommonNames: [],
      allowedHostnames: [],
      checksClientAddress: true,
      ownCertificate: undefined,
      minVersion: "TLSv1.2",
      maxVersion: undefined,
      ciphers: undefined,
    });
  });

  it("take everything from the flags", () => {
    const more = [
      "--peer-trusted-ca-file=t",
      "--peer-client-cert-auth",
      "--peer-client-cert-file=cc",
      "--peer-client-key-file=ck",
      "--peer-cert-allowed-cn=a,b",
      "--peer-skip-client-san-verification",
      "--tls-min-version=TLS1.2",
      "--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ];
    expect(peerTls(...files, ...more)).toMatchObject({
      clientCertFile: "cc",
      clientKeyFile: "ck",
      trustedCaFile: "t",
      requiresClientCertificate: true,
      allowedCommonNames: ["a", "b"],
      checksClientAddress: false,
      minVersion: "TLSv1.2",
      ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
    });
    expect(peerTls(...files, "--peer-cert-allowed-hostname=h")).toMatchObject({ allowedHostnames: ["h"] });
  });

  it("make a certificate for those who want none to be given", () => {
    const own = ["--peer-auto-tls", "--data-dir=/d", "--listen-peer-urls=https://10.0.0.1:2380,https://[::1]:2380"];
    expect(peerTls(...own)).toMatchObject({
      certFile: "/d/fixtures/peer/cert.pem",
      clientKeyFile: "/d/fixtures/peer/key.pem",
      requiresClientCertificate: false,
      ownCertificate: { directory: "/d/fixtures/peer", hosts: ["10.0.0.1", "::1"], validYears: 1 },
    });
    expect(peerTls(...own, ...files)).toMatchObject({ certFile: "c", ownCertificate: undefined });
    expect(errorOf(...own, "--self-signed-cert-validity=0")).toBe(
      "selfSignedCertValidity is invalid,it should be greater than 0",
    );
  });

  it("refuse a listener without a certificate, and names of both kinds", () => {
    expect(errorOf("--listen-peer-urls=https://127.0.0.1:2380")).toBe(
      "cannot listen on TLS for https://127.0.0.1:2380: KeyFile and CertFile are not presented",
    );
    expect(errorOf(...files, "--peer-cert-allowed-cn=a", "--peer-cert-allowed-hostname=h")).toBe(
      'AllowedCNs and AllowedHostnames are mutually exclusive (cns=["a"], hostnames=["h"])',
    );
    expect(errorOf(...files, "--peer-crl-file=r")).toContain("--peer-crl-file");
  });
});
