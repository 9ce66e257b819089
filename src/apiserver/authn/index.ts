export { bearerAuthenticator, type TokenAuthenticator } from "./bearer.ts";
export { bootstrapTokenAuthenticator } from "./bootstrap-token.ts";
export { certificateAuthenticator } from "./certificate.ts";
export { impersonate } from "./impersonation.ts";
export { requestHeaderAuthenticator } from "./request-header.ts";
export { serviceAccountAuthenticator } from "./service-account.ts";
export { staticTokenAuthenticator } from "./static-tokens.ts";
