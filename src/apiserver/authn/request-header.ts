import type { Authenticator } from "../seams/index.ts";
import { authenticated } from "./groups.ts";

/**
 * An authenticating proxy names the user in headers (upstream's --requestheader-* flags, with kubeadm's values). Believed only
 * from a client whose certificate the front-proxy CA signed and whose common name is among `allowedNames` (none: any).
 */
export function requestHeaderAuthenticator(allowedNames: readonly string[] = []): Authenticator {
  return {
    name: "requestheader",
    authenticate({ certificate, headers }) {
      if (!certificate?.frontProxy) return undefined;
      if (allowedNames.length > 0 && !allowedNames.includes(certificate.commonName)) return undefined;
      const name = headers["x-remote-user"];
      if (!name) return undefined;
      const extra: Record<string, string[]> = {};
      for (const [header, value] of Object.entries(headers)) {
        if (header.startsWith("x-remote-extra-") && value !== undefined) {
          extra[decode(header.slice("x-remote-extra-".length))] = list(value);
        }
      }
      const uid = headers["x-remote-uid"];
      return authenticated({ name, groups: list(headers["x-remote-group"] ?? ""), extra, ...(uid && { uid }) });
    },
  };
}

/** Node joins a header that occurs several times with a comma and a space. */
function list(value: string): string[] {
  return value === "" ? [] : value.split(", ");
}

function decode(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
