import { timingSafeEqual } from "node:crypto";
import { resources } from "../../api/index.ts";
import type { Clock } from "../../kit/index.ts";
import type { Lookup } from "../seams/index.ts";
import { authenticated } from "./groups.ts";
import type { TokenAuthenticator } from "./bearer.ts";

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const TYPE = "bootstrap.kubernetes.io/token";
const GROUP = "system:bootstrappers";
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

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
      const text = field("auth-extra-groups");
      const extra = text === "" ? [] : text.split(",");
      // A group that nobody may have makes the whole token worthless, rather than one of fewer rights.
      if (!extra.every((group) => EXTRA_GROUP.test(group))) return undefined;
      const groups = [...new Set([GROUP, ...extra])].toSorted();
      return authenticated({ name: `system:bootstrap:${id}`, groups });
    },
  };
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
