import type { Authenticator } from "../seams/index.ts";
import { authenticated } from "./groups.ts";

/** Client certificates: the common name is the user, the organizations are the groups. The edge has checked the chain. */
export function certificateAuthenticator(): Authenticator {
  return {
    name: "x509",
    authenticate({ certificate }) {
      // The front proxy's certificate vouches for others; it is nobody itself.
      if (!certificate || certificate.frontProxy || certificate.commonName === "") return undefined;
      const { commonName: name, organizations, fingerprint } = certificate;
      const extra = { "authentication.kubernetes.io/credential-id": [`X509SHA256=${fingerprint}`] };
      return authenticated({ name, groups: organizations, extra });
    },
  };
}
