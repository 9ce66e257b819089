import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** A JSON Web Token's payload (RFC 7519). */
export type Claims = Readonly<Record<string, unknown>>;

/** A key by which tokens are checked, and the id under which they name it. */
export interface VerificationKey {
  readonly publicKey: KeyObject;
  readonly keyId: string;
  readonly algorithm: Algorithm;
}

/** A key that signs tokens. */
export interface SigningKey extends VerificationKey {
  readonly privateKey: KeyObject;
}

export type Algorithm = "ES256" | "ES384" | "ES512" | "RS256";

const DIGESTS: Readonly<Record<Algorithm, string>> = {
  ES256: "sha256",
  ES384: "sha384",
  ES512: "sha512",
  RS256: "sha256",
};
const CURVES: Readonly<Record<string, Algorithm>> = { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" };

/** Thrown for anything that is not a token of ours. The message says why, in upstream's words where it has any. */
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
export function verificationKey(publicKey: KeyObject): VerificationKey {
  const type = publicKey.asymmetricKeyType ?? "symmetric";
  const curve = publicKey.asymmetricKeyDetails?.namedCurve ?? "";
  const algorithm = type === "rsa" ? "RS256" : CURVES[curve];
  if (!algorithm) {
    const what = curve === "" ? type : `${type} ${curve}`;
    throw new Error(`a ${what} key cannot sign tokens: expected RSA, P-256, P-384 or P-521`);
  }
  const keyId = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64url");
  return { publicKey, keyId, algorithm };
}

/** A signed token in compact form. */
export function signJwt(claims: Claims, key: SigningKey): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: key.algorithm, kid: key.keyId })}.${part(claims)}`;
  const how = { key: key.privateKey, dsaEncoding: "ieee-p1363" } as const;
  return `${body}.${sign(DIGESTS[key.algorithm], Buffer.from(body), how).toString("base64url")}`;
}

/**
 * The claims of a token that one of `keys` signed. The algorithm is the key's, never what the token's header claims, so
 * that neither `none` nor an HMAC keyed with a public key gets through. Times are not checked here.
 */
export function verifyJwt(token: string, keys: readonly VerificationKey[]): Claims {
  const parts = token.split(".");
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || !header || !payload || !signature) {
    throw new InvalidToken("not a signed token in compact form");
  }
  const { alg, kid } = parse(header);
  const candidates = keys.filter((key) => key.algorithm === alg && (kid === undefined || kid === key.keyId));
  if (candidates.length === 0) throw new InvalidToken("invalid signature, no keys found");
  const body = Buffer.from(`${header}.${payload}`);
  const bytes = Buffer.from(signature, "base64url");
  const signer = candidates.find(({ algorithm, publicKey }) =>
    verify(DIGESTS[algorithm], body, { key: publicKey, dsaEncoding: "ieee-p1363" }, bytes),
  );
  if (!signer) throw new InvalidToken("go-jose/go-jose: error in cryptographic primitive");
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
