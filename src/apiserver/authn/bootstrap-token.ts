import { timingSafeEqual } from "node:crypto";
import { resources } from "../../api/index.ts";
import type { Clock } from "../../kit/index.ts";
import type { Lookup } from "../seams/index.ts";
import { authenticated } from "./groups.ts";
import type { TokenAuthenticator } from "./bearer.ts";

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const TYPE = "bootstrap.kubernetes.io/token";
const GROUP = "system:bootstrappers";

/** Bootstrap tokens: secrets `bootstrap-token-ID` in kube-system that say `usage-bootstrap-authentication` (KEP-130). */
export function bootstrapTokenAuthenticator(lookup: Lookup, clock: Clock): TokenAuthenticator {
  return {
    name: "bootstrap",
    async authenticateToken(token) {
      const [, id, secret] = TOKEN.exec(token) ?? [];
      if (id === undefined || secret === undefined) return undefined;
      const found = await lookup.get(resources.secrets, `bootstrap-token-${id}`, "kube-system");
      if (found?.type !== TYPE || found.metadata.deletionTimestamp !== undefined) return undefined;
      const field = (name: string): string => Buffer.from(found.data?.[name] ?? "", "base64").toString("utf8");
      if (field("token-id") !== id || !same(field("token-secret"), secret)) return undefined;
      const expiration = field("expiration");
      if (expiration !== "" && !(Date.parse(expiration) > clock.now())) return undefined;
      if (field("usage-bootstrap-authentication") !== "true") return undefined;
      const extra = field("auth-extra-groups")
        .split(",")
        .filter((group) => group.startsWith(`${GROUP}:`));
      return authenticated({ name: `system:bootstrap:${id}`, groups: [GROUP, ...extra] });
    },
  };
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
