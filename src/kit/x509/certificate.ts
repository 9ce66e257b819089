import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Random } from "../random.ts";
import { subjectOf } from "./subject.ts";
import type { Subject } from "./subject.ts";
import { bits, boolean, element, integer, octets, oid, sequence, set, tagged, time, utf8 } from "./der.ts";

export type Usage = "client" | "server";

export interface CertificateRequest {
  readonly subject: Subject;
  /** DNS names and IP addresses. */
  readonly names?: readonly string[] | undefined;
  readonly usages: readonly Usage[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

const OID = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  ecdsaSha256: "1.2.840.10045.4.3.2",
  rsaSha256: "1.2.840.113549.1.1.11",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;
const EXTENDED_USAGE: Readonly<Record<Usage, string>> = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" };

/** Makes a self-signed CA with a P-256 key. */
export function createAuthority(
  commonName: string,
  span: { notBefore: number; notAfter: number },
  random: Random,
): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = { commonName };
  const body = toBeSigned(subject, subject, publicKey, privateKey, span, random, [
    extension(OID.basicConstraints, true, sequence(boolean(true))),
    extension(OID.keyUsage, true, bits(Buffer.from([0xa4]), 2)),
    extension(OID.subjectKeyId, false, octets(keyId(publicKey))),
  ]);
  return { cert: seal(body, privateKey), key: pem(privateKey) };
}

/** Issues a certificate for a fresh P-256 key. */
export function issue(authority: KeyPair, request: CertificateRequest, random: Random): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { cert: certify(authority, request, publicKey, random), key: pem(privateKey) };
}

/** Issues a certificate for somebody else's public key; PEM. */
export function certify(authority: KeyPair, request: CertificateRequest, publicKey: KeyObject, random: Random): string {
  const signer = createPrivateKey(authority.key);
  const issuer = new X509Certificate(authority.cert);
  const names = (request.names ?? []).map((name) =>
    isAddress(name) ? tagged(7, false, addressBytes(name)) : tagged(2, false, Buffer.from(name, "ascii")),
  );
  const extensions = [
    extension(OID.keyUsage, true, bits(Buffer.from([0xa0]), 5)),
    extension(OID.extendedKeyUsage, false, sequence(...request.usages.map((usage) => oid(EXTENDED_USAGE[usage])))),
    extension(OID.basicConstraints, true, sequence()),
    extension(OID.authorityKeyId, false, sequence(tagged(0, false, keyId(createPublicKey(signer))))),
  ];
  if (names.length > 0) extensions.push(extension(OID.subjectAltName, false, sequence(...names)));
  return seal(
    toBeSigned(request.subject, subjectOf(issuer.raw), publicKey, signer, request, random, extensions),
    signer,
  );
}

function toBeSigned(
  subject: Subject,
  issuer: Subject,
  publicKey: KeyObject,
  signer: KeyObject,
  span: { readonly notBefore: number; readonly notAfter: number },
  random: Random,
  extensions: readonly Buffer[],
): Buffer {
  const serial = random.bytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  return sequence(
    tagged(0, true, integer(2)),
    integer(serial),
    algorithm(signer),
    distinguishedName(issuer),
    sequence(time(span.notBefore), time(span.notAfter)),
    distinguishedName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(3, true, sequence(...extensions)),
  );
}

/** RFC 4514 order as Go writes it: organizations in one set, then the common name. */
export function distinguishedName(subject: Subject): Buffer {
  const organizations = (subject.organizations ?? []).map((name) => sequence(oid(OID.organization), utf8(name)));
  const sets = organizations.length > 0 ? [set(...organizations.toSorted((a, b) => Buffer.compare(a, b)))] : [];
  if (subject.commonName !== "") sets.push(set(sequence(oid(OID.commonName), utf8(subject.commonName))));
  return sequence(...sets);
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value));
}

function algorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === "ec") return sequence(oid(OID.ecdsaSha256));
  if (key.asymmetricKeyType === "rsa") return sequence(oid(OID.rsaSha256), element(0x05));
  throw new Error(
    `cannot sign certificates with a ${key.asymmetricKeyType ?? "symmetric"} key: expected an EC P-256 or RSA key`,
  );
}

function seal(body: Buffer, signer: KeyObject): string {
  const der = sequence(body, algorithm(signer), bits(sign("sha256", body, signer)));
  return toPem("CERTIFICATE", der);
}

/** PEM with the usual 64 columns (RFC 7468). */
export function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString("base64")
    .replaceAll(/.{64}(?!$)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** SHA-1 of the key bits (RFC 5280, 4.2.1.2): an identifier, not a protection. */
function keyId(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
}

const IPV4 = /^\d+(\.\d+){3}$/;

/** Tells addresses from DNS names, which is all that is in doubt. (The first `isIP` of `node:net` takes 5 ms.) */
function isAddress(name: string): boolean {
  return name.includes(":") || IPV4.test(name);
}

function addressBytes(address: string): Buffer {
  if (IPV4.test(address)) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("::");
  const words = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16));
  const front = words(head);
  const back = tail === undefined ? [] : words(tail);
  const filled = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
  return Buffer.from(filled.flatMap((word) => [word >> 8, word & 0xff]));
}
