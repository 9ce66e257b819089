import { createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { parseName, type Subject } from "./subject.ts";
import { type DerNode, read, readOid } from "./der.ts";

/** What a PKCS#10 request (RFC 2986) asks for. */
export interface ParsedRequest {
  readonly subject: Subject;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly publicKey: KeyObject;
}

const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const SUBJECT_ALT_NAME = "2.5.29.17";
/** Signature algorithm → digest, for the keys that Go's clients make. Ed25519 has no separate digest. */
const DIGESTS: Readonly<Record<string, string | null>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": null,
};

/** Parses a PEM certificate request and checks its self-signature. Throws an Error that says what is wrong with it. */
export function parseRequest(pem: string): ParsedRequest {
  const match = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]+)-----END/.exec(pem);
  if (!match?.[1]) throw new Error("PEM block type must be CERTIFICATE REQUEST");
  const [outer] = read(Buffer.from(match[1], "base64"));
  const [info, algorithm, signature] = read(outer?.content ?? Buffer.alloc(0));
  if (!info || !algorithm || !signature) throw new Error("malformed certificate request");
  const [, subject, spki, attributes] = read(info.content);
  if (!subject || !spki) throw new Error("malformed certificate request: subject or public key missing");
  const publicKey = createPublicKey({ key: spki.whole, format: "der", type: "spki" });
  const digest = DIGESTS[readOid(read(algorithm.content)[0]?.content ?? Buffer.alloc(0))];
  if (digest === undefined || !verify(digest, info.whole, publicKey, signature.content.subarray(1))) {
    throw new Error("certificate request signature does not match its public key");
  }
  return { subject: parseName(subject), publicKey, ...parseNames(attributes) };
}

function parseNames(
  attributes: DerNode | undefined,
): Pick<ParsedRequest, "dnsNames" | "ipAddresses" | "emailAddresses" | "uris"> {
  const names = {
    dnsNames: [] as string[],
    ipAddresses: [] as string[],
    emailAddresses: [] as string[],
    uris: [] as string[],
  };
  for (const general of subjectAltNames(attributes)) {
    if (general.tag === 0x81) names.emailAddresses.push(general.content.toString("ascii"));
    if (general.tag === 0x82) names.dnsNames.push(general.content.toString("ascii"));
    if (general.tag === 0x86) names.uris.push(general.content.toString("ascii"));
    if (general.tag === 0x87) names.ipAddresses.push(formatAddress(general.content));
  }
  return names;
}

function subjectAltNames(attributes: DerNode | undefined): DerNode[] {
  if (!attributes) return [];
  for (const attribute of read(attributes.content)) {
    const [id, values] = read(attribute.content);
    if (!id || !values || readOid(id.content) !== EXTENSION_REQUEST) continue;
    for (const extension of read(read(values.content)[0]?.content ?? Buffer.alloc(0))) {
      const parts = read(extension.content);
      const value = parts.at(-1);
      if (!parts[0] || !value || readOid(parts[0].content) !== SUBJECT_ALT_NAME) continue;
      return read(read(value.content)[0]?.content ?? Buffer.alloc(0));
    }
  }
  return [];
}

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join(".");
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(":");
}
