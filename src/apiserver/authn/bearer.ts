import { createHash } from "node:crypto";
import { type Clock, LruMap } from "../../kit/index.ts";
import { unauthorized } from "../../machinery/index.ts";
import type { Authenticator, Credentials, UserInfo } from "../seams/index.ts";

/** Knows one kind of token. `undefined`: not mine. A rejection: mine, and bad. */
export interface TokenAuthenticator {
  readonly name: string;
  authenticateToken(token: string, signal?: AbortSignal): Promise<UserInfo | undefined>;
}

const WEBSOCKET_PREFIX = "base64url.bearer.authorization.k8s.io.";
/** As upstream: a revoked token may live on this long. */
const CACHE_MS = 10_000;
const CACHE_SIZE = 4_096;

/** Bearer tokens from the Authorization header, or from a WebSocket's sub-protocols where browsers cannot set headers. */
export function bearerAuthenticator(authenticators: readonly TokenAuthenticator[], clock: Clock): Authenticator {
  const cache = new LruMap<string, { readonly user: UserInfo; readonly until: number }>(CACHE_SIZE);
  return {
    name: "bearer",
    async authenticate(credentials, signal) {
      const token = tokenOf(credentials);
      if (token === undefined) return undefined;
      // Whoever reads our memory shall not find tokens there.
      const key = createHash("sha256").update(token).digest("base64");
      const known = cache.get(key);
      if (known && known.until > clock.monotonic()) return known.user;
      const user = await ask(authenticators, token, signal);
      cache.set(key, { user, until: clock.monotonic() + CACHE_MS });
      return user;
    },
  };
}

async function ask(
  authenticators: readonly TokenAuthenticator[],
  token: string,
  signal: AbortSignal | undefined,
): Promise<UserInfo> {
  for (const authenticator of authenticators) {
    try {
      const user = await authenticator.authenticateToken(token, signal);
      if (user) return user;
    } catch {
      // Why a token is bad is nobody's business but ours; another kind of token may still be meant.
    }
  }
  throw unauthorized();
}

/** One space and no more before the token, as upstream wants it. */
function tokenOf({ headers }: Credentials): string | undefined {
  const [scheme, token] = (headers["authorization"] ?? "").trim().split(" ", 2);
  if (scheme?.toLowerCase() === "bearer") return token === undefined || token === "" ? undefined : token;
  const protocols = (headers["sec-websocket-protocol"] ?? "").split(",").map((p) => p.trim());
  const carrier = protocols.find((p) => p.startsWith(WEBSOCKET_PREFIX));
  return carrier && Buffer.from(carrier.slice(WEBSOCKET_PREFIX.length), "base64url").toString("utf8");
}
