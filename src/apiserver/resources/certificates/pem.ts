import { X509Certificate } from "node:crypto";
import { errorText } from "../../../kit/index.ts";

/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly der: Buffer;
}

const BLOCK = /-----BEGIN ([^\n-]+)-----[ \t]*\r?\n([^-]*)-----END \1-----/g;
const HEADER = /^[^\n:]+:[^\n]*\r?\n/;

/** The blocks of a PEM text, in order; what lies between them is ignored, as Go does. */
export function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(BLOCK)].map(([, type = "", body = ""]) => {
    const hasHeaders = HEADER.test(body);
    const base64 = hasHeaders ? (body.split(/\r?\n\r?\n/, 2)[1] ?? "") : body;
    return { type, hasHeaders, der: Buffer.from(base64, "base64") };
  });
}

/** What is wrong with issued certificates, base64 of PEM; empty is fine. */
export function certificateProblem(base64: string): string | undefined {
  if (base64 === "") return undefined;
  const blocks = pemBlocks(Buffer.from(base64, "base64").toString("latin1"));
  for (const { type, hasHeaders, der } of blocks) {
    if (type !== "CERTIFICATE") return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (hasHeaders) return "no PEM block headers are permitted";
    if (der.length === 0) return "found CERTIFICATE PEM block containing 0 certificates";
    try {
      new X509Certificate(der);
    } catch (error) {
      return `x509: malformed certificate: ${errorText(error)}`;
    }
  }
  return blocks.length === 0 ? "must contain at least one CERTIFICATE PEM block" : undefined;
}
