import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { isIP } from "node:net";

/** What a certificate says. */
export type CertificateWish = Readonly<{
  /** Common name; left out when empty. */
  commonName: string;
  organization: string;
  /** Names and addresses of the hosts it is for. */
  hosts: readonly string[];
  /** Milliseconds since the Unix epoch. */
  notBeforeMs: number;
  notAfterMs: number;
  /** It may sign others. */
  isAuthority: boolean;
  /** A positive number in big-endian bytes. */
  serial: Uint8Array;
}>;

/** A certificate and its key, as PEM. */
export type MadeCertificate = Readonly<{ cert: string; key: string }>;

/** Who signs: a certificate made here, and what it was made from. */
export type Issuer = Readonly<{ made: MadeCertificate; wish: CertificateWish }>;

const Oid = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAltName: "2.5.29.17",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  dnsName: 0x82,
  ipAddress: 0x87,
  version: 0xa0,
  extensions: 0xa3,
} as const;

/**
 * Makes a certificate with a new P-256 key, for servers and clients alike, signed by `issuer` or by itself.
 * @see RFC 5280 section 4.1; X.690 for the encoding.
 */
export function makeCertificate(wish: CertificateWish, issuer?: Issuer): MadeCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = der(Tag.sequence, oid(Oid.ecdsaWithSha256));
  const body = der(
    Tag.sequence,
    der(Tag.version, integer([2])),
    integer(wish.serial),
    algorithm,
    nameOf(issuer?.wish ?? wish),
    der(Tag.sequence, time(wish.notBeforeMs), time(wish.notAfterMs)),
    nameOf(wish),
    publicKey.export({ type: "spki", format: "der" }),
    der(Tag.extensions, der(Tag.sequence, ...extensionsOf(wish))),
  );
  const signature = sign("sha256", body, issuer === undefined ? privateKey : createPrivateKey(issuer.made.key));
  const whole = der(Tag.sequence, body, algorithm, der(Tag.bitString, Buffer.from([0]), signature));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${(whole.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function extensionsOf({ isAuthority, hosts }: CertificateWish): readonly Buffer[] {
  // Bits from the left: digitalSignature; keyCertSign is the sixth.
  const usage = Buffer.from(isAuthority ? [2, 0x84] : [7, 0x80]);
  const names = hosts.map((host) =>
    isIP(host) === 0 ? der(Tag.dnsName, Buffer.from(host, "latin1")) : der(Tag.ipAddress, addressBytes(host)),
  );
  return [
    extension(Oid.basicConstraints, der(Tag.sequence, ...(isAuthority ? [der(Tag.boolean, Buffer.from([0xff]))] : []))),
    extension(Oid.keyUsage, der(Tag.bitString, usage)),
    extension(Oid.extendedKeyUsage, der(Tag.sequence, oid(Oid.serverAuth), oid(Oid.clientAuth)), { isCritical: false }),
    ...(names.length === 0 ? [] : [extension(Oid.subjectAltName, der(Tag.sequence, ...names), { isCritical: false })]),
  ];
}

function extension(id: string, value: Buffer, options: { isCritical: boolean } = { isCritical: true }): Buffer {
  const critical = options.isCritical ? [der(Tag.boolean, Buffer.from([0xff]))] : [];
  return der(Tag.sequence, oid(id), ...critical, der(Tag.octetString, value));
}

function nameOf({ commonName, organization }: CertificateWish): Buffer {
  const parts = [
    [Oid.organization, organization],
    [Oid.commonName, commonName],
  ] as const;
  const given = parts.filter(([, text]) => text !== "");
  return der(
    Tag.sequence,
    ...given.map(([id, text]) => der(Tag.set, der(Tag.sequence, oid(id), der(Tag.utf8, Buffer.from(text))))),
  );
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  // The URL parser writes an address in full groups apart from one run of zeros.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [left = "", right] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(left), groups(right ?? "")];
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

/** Years from 2050 on have four digits, those before two (RFC 5280 section 4.1.2.5). */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  const isShort = text < "2050";
  return der(isShort ? Tag.utcTime : Tag.generalizedTime, Buffer.from(isShort ? text.slice(2) : text));
}

function integer(bytes: ArrayLike<number>): Buffer {
  const isNegative = (bytes[0] ?? 0) >= 0x80;
  return der(Tag.integer, Buffer.from([...(isNegative ? [0] : []), ...Array.from(bytes)]));
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 127];
    for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return der(Tag.oid, Buffer.from(bytes));
}

/** A value behind its tag and length. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), body]);
  const size = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
