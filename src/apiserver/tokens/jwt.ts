import { createPrivateKey, createPublicKey, type KeyObject, sign, verify, createHash } from "node:crypto";

/** A JSON Web Token's payload (RFC 7519). */
export type Claims = Readonly<Record<string, unknown>>;

/** A key that signs tokens, and the id under which verifiers find its public half. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly keyId: string;
  readonly algorithm: Algorithm;
}

export type Algorithm = "ES256" | "RS256";

/** Thrown for anything that is not a token of ours. The message is for logs: clients learn only that they are not known. */
export class InvalidToken extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InvalidToken";
  }
}

/** Reads a PEM private key. The id is the hash of the public key, as upstream's (SHA-256 of the SPKI, base64url). */
export function signingKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  return { privateKey, ...verificationKey(createPublicKey(privateKey)) };
}

/** What is needed to check tokens of a key that signs elsewhere, or no longer. */
export function verificationKey(publicKey: KeyObject): Omit<SigningKey, "privateKey"> {
  const kinds: Readonly<Record<string, Algorithm>> = { ec: "ES256", rsa: "RS256" };
  const algorithm = kinds[publicKey.asymmetricKeyType ?? ""];
  if (!algorithm)
    throw new Error(`a ${publicKey.asymmetricKeyType ?? "symmetric"} key cannot sign tokens: expected P-256 or RSA`);
  const keyId = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64url");
  return { publicKey, keyId, algorithm };
}

/** A signed token in compact form. */
export function signJwt(claims: Claims, key: SigningKey): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: key.algorithm, kid: key.keyId })}.${part(claims)}`;
  return `${body}.${sign("sha256", Buffer.from(body), { key: key.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

/**
 * The claims of a token that one of `keys` signed. The algorithm is the key's, never what the token's header claims, so
 * that neither `none` nor an HMAC keyed with a public key gets through. Times are not checked here.
 */
export function verifyJwt(token: string, keys: readonly Omit<SigningKey, "privateKey">[]): Claims {
  const parts = token.split(".");
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || !header || !payload || !signature)
    throw new InvalidToken("not a signed token in compact form");
  const { alg, kid } = parse(header);
  const candidates = keys.filter((key) => key.algorithm === alg && (kid === undefined || kid === key.keyId));
  const body = Buffer.from(`${header}.${payload}`);
  const bytes = Buffer.from(signature, "base64url");
  const signer = candidates.find((key) =>
    verify("sha256", body, { key: key.publicKey, dsaEncoding: "ieee-p1363" }, bytes),
  );
  if (!signer) throw new InvalidToken("no known key signed this token");
  return parse(payload);
}

/** The claims, unverified: only to see whose token it may be. */
export function peekClaims(token: string): Claims | undefined {
  try {
    return parse(token.split(".")[1] ?? "");
  } catch {
    return undefined;
  }
}

function parse(part: string): Claims {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Claims;
  } catch {
    // Falls through: the same answer for everything that is no JSON object.
  }
  throw new InvalidToken("a part of the token is not a JSON object");
}
