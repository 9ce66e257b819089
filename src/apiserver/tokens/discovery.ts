import type { VerificationKey } from "./jwt.ts";

/** The public keys by which others check our tokens (RFC 7517), served at /openid/v1/jwks. */
export function jwks(keys: readonly VerificationKey[]): { keys: object[] } {
  return {
    keys: keys.map(({ publicKey, keyId, algorithm }) => {
      const { kty, ...numbers } = publicKey.export({ format: "jwk" });
      return { use: "sig", kty, kid: keyId, alg: algorithm, ...numbers };
    }),
  };
}

/** The discovery document at /.well-known/openid-configuration. */
export function openidConfiguration(issuer: string, jwksUri: string, keys: readonly VerificationKey[]): object {
  return {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(keys.map((key) => key.algorithm))].toSorted(),
  };
}
