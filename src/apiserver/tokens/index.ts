export { InvalidToken, type SigningKey, signingKey, verificationKey } from "./jwt.ts";
export {
  type BoundObject,
  jwks,
  openidConfiguration,
  ServiceAccountTokens,
  type TokenIssuerOptions,
} from "./service-account.ts";
