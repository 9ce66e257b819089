export { jwks, openidConfiguration } from "./discovery.ts";
export { InvalidToken, type SigningKey, signingKey, type VerificationKey, verificationKey } from "./jwt.ts";
export {
  type BoundObject,
  LAST_USED_LABEL,
  ServiceAccountTokens,
  type TokenIssuerOptions,
  type Verified,
} from "./service-account.ts";
