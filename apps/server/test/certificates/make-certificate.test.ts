import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type CertificateWish, makeCertificate } from "../../src/certificates/make-certificate.js";

const wish: CertificateWish = {
  commonName: "member",
  organization: "etcd",
  hosts: ["localhost", "127.0.0.1", "::1", "2001:db8::7:0:1", "*.example.com"],
  notBeforeMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  notAfterMs: Date.UTC(2051, 0, 1),
  isAuthority: false,
  serial: new Uint8Array([200, 1, 2]),
};

describe("makeCertificate", () => {
  it("makes one that signs itself, for the hosts that were named", () => {
    const certificate = new X509Certificate(makeCertificate(wish).cert);
    expect(certificate.subject).toBe("O=etcd\nCN=member");
    expect(certificate.subjectAltName).toBe(
      "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:7:0:1, DNS:*.example.com",
    );
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkHost("a.example.com")).toBe("*.example.com");
    expect(certificate.checkIP("::1")).toBe("::1");
    expect([certificate.ca, certificate.serialNumber]).toEqual([false, "C80102"]);
    expect([Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]).toEqual([
      wish.notBeforeMs,
      wish.notAfterMs,
    ]);
  });

  it("makes one that another signs", () => {
    const authority = { ...wish, commonName: "authority", hosts: [], isAuthority: true };
    const issuer = { made: makeCertificate(authority), wish: authority };
    const made = makeCertificate(wish, issuer);
    const [ca, certificate] = [new X509Certificate(issuer.made.cert), new X509Certificate(made.cert)];
    expect([ca.ca, certificate.checkIssued(ca), certificate.verify(ca.publicKey)]).toEqual([true, true, true]);
    expect(certificate.issuer).toBe("O=etcd\nCN=authority");
    expect(certificate.verify(certificate.publicKey)).toBe(false);
  });
});
