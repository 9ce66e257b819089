import { type authenticationv1, type corev1, type Draft, resources } from "../../api/index.ts";
import type { Clock, Random } from "../../kit/index.ts";
import type { Lookup, UserInfo } from "../seams/index.ts";
import { type Claims, InvalidToken, peekClaims, type SigningKey, signJwt, verifyJwt } from "./jwt.ts";

/** What tokens are issued and checked with. */
export interface TokenIssuerOptions {
  /** The first signs; all verify. */
  readonly keys: readonly [SigningKey, ...Omit<SigningKey, "privateKey">[]];
  /** The `iss` claim, such as `https://kubernetes.default.svc.cluster.local`. The first is written; all are accepted. */
  readonly issuers: readonly [string, ...string[]];
  /** Audiences of the API server itself; also those of a token that names none. */
  readonly audiences: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly lookup: Lookup;
}

/** A token's bond to an object: it dies with it. */
export interface BoundObject {
  readonly kind: "Pod" | "Secret" | "Node";
  readonly name: string;
  readonly uid: string;
  /** Pods: the node they run on, so that the token says from where it may be used. */
  readonly node?: { readonly name: string; readonly uid: string };
}

const PREFIX = "system:serviceaccount:";
const DEFAULT_SECONDS = 3600;
/** Clocks may differ by this much. */
const LEEWAY_SECONDS = 60;
/** A token made for a pod by the kubelet is stretched to a year, because old clients do not read it anew (KEP-1205). */
const WARN_AFTER_SECONDS = 3607;
const EXTENDED_SECONDS = 365 * 24 * 3600;

interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly secret?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid: string };
  readonly warnafter?: number;
}

/** Issues and checks bound service account tokens (TokenRequest API, KEP-1205). */
export class ServiceAccountTokens {
  readonly #options: TokenIssuerOptions;

  constructor(options: TokenIssuerOptions) {
    this.#options = options;
  }

  /** Signs a token; returns the filled TokenRequest status. The caller has checked the request and the bound object. */
  issue(
    account: corev1.ServiceAccount,
    spec: Draft<authenticationv1.TokenRequestSpec>,
    bound?: BoundObject,
  ): authenticationv1.TokenRequestStatus {
    const { clock, random, issuers, audiences, keys } = this.#options;
    const now = Math.floor(clock.now() / 1000);
    const wanted = spec.expirationSeconds ?? DEFAULT_SECONDS;
    const isOwn = (spec.audiences ?? []).length === 0 || audiences.includes(spec.audiences?.[0] ?? "");
    const stretch = wanted === WARN_AFTER_SECONDS && bound?.kind === "Pod" && isOwn;
    const expires = now + (stretch ? EXTENDED_SECONDS : wanted);
    const claims = {
      aud: spec.audiences && spec.audiences.length > 0 ? spec.audiences : audiences,
      exp: expires,
      iat: now,
      iss: issuers[0],
      jti: random.uuid(),
      "kubernetes.io": this.#kubernetesClaims(account, bound, stretch ? now + wanted : undefined),
      nbf: now,
      sub: `${PREFIX}${account.metadata.namespace}:${account.metadata.name}`,
    };
    return {
      token: signJwt(claims, keys[0]),
      expirationTimestamp: new Date((now + wanted) * 1000).toISOString().replace(".000Z", "Z"),
    };
  }

  #kubernetesClaims(
    account: corev1.ServiceAccount,
    bound: BoundObject | undefined,
    warnAfter: number | undefined,
  ): KubernetesClaims {
    const ref = bound && { name: bound.name, uid: bound.uid };
    return {
      namespace: account.metadata.namespace,
      ...(bound?.kind === "Node" && ref && { node: ref }),
      ...(bound?.node && { node: bound.node }),
      ...(bound?.kind === "Pod" && ref && { pod: ref }),
      ...(bound?.kind === "Secret" && ref && { secret: ref }),
      serviceaccount: { name: account.metadata.name, uid: account.metadata.uid },
      ...(warnAfter !== undefined && { warnafter: warnAfter }),
    };
  }

  /** Whether a token claims to be one of ours: then nobody else need look at it. */
  claims(token: string): boolean {
    const issuer = peekClaims(token)?.["iss"];
    return typeof issuer === "string" && this.#options.issuers.includes(issuer);
  }

  /**
   * The user a token stands for, and the audiences it shares with `audiences`. Rejects with {@link InvalidToken} for a bad
   * signature, a wrong audience or time, and when the account or the object it is bound to is gone or is another by now.
   */
  async verify(
    token: string,
    audiences: readonly string[] = this.#options.audiences,
  ): Promise<{ user: UserInfo; audiences: string[] }> {
    const claims = verifyJwt(token, this.#options.keys);
    if (!this.#options.issuers.includes(String(claims["iss"])))
      throw new InvalidToken(`issuer ${JSON.stringify(claims["iss"])} is not ours`);
    this.#checkTimes(claims);
    const meant = Array.isArray(claims["aud"]) ? claims["aud"].map(String) : [String(claims["aud"])];
    const shared = meant.filter((audience) => audiences.includes(audience));
    if (shared.length === 0)
      throw new InvalidToken(
        `token audiences ${JSON.stringify(meant)} are invalid for the target audiences ${JSON.stringify(audiences)}`,
      );
    const bonds = claims["kubernetes.io"] as KubernetesClaims | undefined;
    if (!bonds?.namespace || !bonds.serviceaccount?.name)
      throw new InvalidToken("the token has no kubernetes.io claims");
    if (claims["sub"] !== `${PREFIX}${bonds.namespace}:${bonds.serviceaccount.name}`)
      throw new InvalidToken("subject and claims differ");
    await this.#checkBonds(bonds);
    return { user: userOf(bonds, claims), audiences: shared };
  }

  #checkTimes(claims: Claims): void {
    const now = this.#options.clock.now() / 1000;
    const { exp, nbf } = claims as { exp?: unknown; nbf?: unknown };
    if (typeof exp !== "number" || now > exp + LEEWAY_SECONDS) throw new InvalidToken("the token has expired");
    if (typeof nbf === "number" && now + LEEWAY_SECONDS < nbf) throw new InvalidToken("the token is not valid yet");
  }

  async #checkBonds(bonds: KubernetesClaims): Promise<void> {
    const { lookup, clock } = this.#options;
    const { namespace } = bonds;
    const account = await lookup.get(resources.serviceaccounts, bonds.serviceaccount.name, namespace);
    const objects: [
      what: string,
      uid: string,
      found: { metadata: { uid: string; deletionTimestamp?: string } } | undefined,
    ][] = [["service account", bonds.serviceaccount.uid, account]];
    if (bonds.secret)
      objects.push(["secret", bonds.secret.uid, await lookup.get(resources.secrets, bonds.secret.name, namespace)]);
    if (bonds.pod) objects.push(["pod", bonds.pod.uid, await lookup.get(resources.pods, bonds.pod.name, namespace)]);
    else if (bonds.node) objects.push(["node", bonds.node.uid, await lookup.get(resources.nodes, bonds.node.name)]);
    for (const [what, uid, found] of objects) {
      if (found?.metadata.uid !== uid) throw new InvalidToken(`the ${what} that the token is bound to is gone`);
      const deleted = found.metadata.deletionTimestamp;
      if (deleted !== undefined && Date.parse(deleted) + LEEWAY_SECONDS * 1000 < clock.now())
        throw new InvalidToken(`the ${what} has been deleted`);
    }
  }
}

function userOf(bonds: KubernetesClaims, claims: Claims): UserInfo {
  const extra: Record<string, string[]> = {};
  if (typeof claims["jti"] === "string") extra["authentication.kubernetes.io/credential-id"] = [`JTI=${claims["jti"]}`];
  if (bonds.pod) {
    extra["authentication.kubernetes.io/pod-name"] = [bonds.pod.name];
    extra["authentication.kubernetes.io/pod-uid"] = [bonds.pod.uid];
  }
  if (bonds.node) {
    extra["authentication.kubernetes.io/node-name"] = [bonds.node.name];
    extra["authentication.kubernetes.io/node-uid"] = [bonds.node.uid];
  }
  return {
    name: `${PREFIX}${bonds.namespace}:${bonds.serviceaccount.name}`,
    uid: bonds.serviceaccount.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${bonds.namespace}`, "system:authenticated"],
    extra,
  };
}

/** The public keys by which others check our tokens (RFC 7517), served at /openid/v1/jwks. */
export function jwks(keys: readonly Omit<SigningKey, "privateKey">[]): { keys: object[] } {
  return {
    keys: keys.map((key) => ({
      use: "sig",
      ...key.publicKey.export({ format: "jwk" }),
      kid: key.keyId,
      alg: key.algorithm,
    })),
  };
}

/** The discovery document at /.well-known/openid-configuration. */
export function openidConfiguration(issuer: string, jwksUri: string, algorithms: readonly string[]): object {
  return {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(algorithms)],
  };
}
