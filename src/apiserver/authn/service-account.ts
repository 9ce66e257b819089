import type { ServiceAccountTokens } from "../tokens/index.ts";
import type { TokenAuthenticator } from "./bearer.ts";

/** Service account tokens that this cluster issued. */
export function serviceAccountAuthenticator(tokens: ServiceAccountTokens): TokenAuthenticator {
  return {
    name: "serviceaccount",
    async authenticateToken(token) {
      if (!tokens.claims(token)) return undefined;
      return (await tokens.verify(token)).user;
    },
  };
}
