import { createHmac } from "node:crypto";
import type { corev1 } from "../../api/index.ts";
import { tryParseTime } from "../../machinery/index.ts";

type Secret = corev1.Secret;

export const BOOTSTRAP_TOKEN = "bootstrap.kubernetes.io/token";
const NAME = /^bootstrap-token-([a-z0-9]{6})$/;
const SIGNATURE = "jws-kubeconfig-";

function dataOf({ data }: Secret, key: string): string {
  return Buffer.from(data?.[key] ?? "", "base64").toString("utf8");
}

/** When the token ends, in milliseconds: Infinity when it says nothing, the beginning of time when it cannot be read. */
export function endOfToken(secret: Secret): number {
  const text = dataOf(secret, "expiration");
  return text === "" ? Infinity : (tryParseTime(text) ?? 0);
}

/** The parts of a token that may sign; `undefined` for secrets that may not. */
export function signingToken(
  secret: Secret,
  now: number,
): { readonly id: string; readonly secret: string } | undefined {
  if (secret.type !== BOOTSTRAP_TOKEN || endOfToken(secret) <= now) return undefined;
  const id = dataOf(secret, "token-id");
  const text = dataOf(secret, "token-secret");
  if (id === "" || text === "" || NAME.exec(secret.metadata.name)?.[1] !== id) return undefined;
  return dataOf(secret, "usage-bootstrap-signing") === "true" ? { id, secret: text } : undefined;
}

/** A JSON Web Signature without what it signs (RFC 7515, appendix F), by the token's secret. */
export function detachedSignature(content: string, id: string, secret: string): string {
  const header = Buffer.from(JSON.stringify({ alg: "HS256", kid: id })).toString("base64url");
  const payload = Buffer.from(content).toString("base64url");
  const signature = createHmac("sha256", secret).update(`${header}.${payload}`).digest("base64url");
  return `${header}..${signature}`;
}

/** The data of cluster-info with the signatures of these tokens and no others; `undefined` without anything to sign. */
export function signedInfo(
  data: Readonly<Record<string, string>>,
  secrets: Iterable<Secret>,
  now: number,
): Record<string, string> | undefined {
  const content = data["kubeconfig"];
  if (content === undefined) return undefined;
  const signed = Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith(SIGNATURE)));
  for (const secret of secrets) {
    const token = signingToken(secret, now);
    if (token !== undefined) signed[SIGNATURE + token.id] = detachedSignature(content, token.id, token.secret);
  }
  return signed;
}
