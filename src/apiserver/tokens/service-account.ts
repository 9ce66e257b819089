import { type authenticationv1, type corev1, type Draft, type Resource, resources } from "../../api/index.ts";
import type { Clock, Random } from "../../kit/index.ts";
import { formatTime, notFound } from "../../machinery/index.ts";
import type { Lookup, UserInfo } from "../seams/index.ts";
import {
  accountUser,
  boundClaims,
  type KubernetesClaims,
  LEGACY_ISSUER,
  type LegacyClaims,
  legacyClaims,
  type Ref,
  writeLegacyClaims,
} from "./claims.ts";
import {
  type Claims,
  InvalidToken,
  peekClaims,
  type SigningKey,
  signJwt,
  type VerificationKey,
  verifyJwt,
} from "./jwt.ts";

/** What tokens are issued and checked with. */
export interface TokenIssuerOptions {
  /** The first signs; all verify. */
  readonly keys: readonly [SigningKey, ...VerificationKey[]];
  /** The `iss` claim, such as `https://kubernetes.default.svc.cluster.local`. The first is written; all are accepted. */
  readonly issuers: readonly [string, ...string[]];
  /** Audiences of the API server itself; also those of a token that names none. */
  readonly audiences: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly lookup: Lookup;
  /** Told of each use of a legacy token, so that the secret can be labelled with the day (`LAST_USED_LABEL`). */
  readonly onLegacyUse?: (secret: corev1.Secret, day: string) => void;
}

/** A token's bond to an object: it dies with it. */
export interface BoundObject {
  readonly kind: "Pod" | "Secret" | "Node";
  readonly name: string;
  readonly uid: string;
  /** Pods: the node they run on, so that the token says from where it may be used. */
  readonly node?: Ref;
}

/** Says on which day a legacy token was last used. */
export const LAST_USED_LABEL = "kubernetes.io/legacy-token-last-used";
/** Says since when a legacy token that nobody used is worth nothing any more. */
const INVALID_SINCE_LABEL = "kubernetes.io/legacy-token-invalid-since";
const DEFAULT_SECONDS = 3600;
/** Clocks may differ by this much. */
const LEEWAY_SECONDS = 60;
/** A token made for a pod by the kubelet is stretched to a year, because old clients do not read it anew (KEP-1205). */
const WARN_AFTER_SECONDS = 3607;
const EXTENDED_SECONDS = 365 * 24 * 3600;
const INVALIDATED = "service account token has been invalidated";

/** What a token turned out to be. */
export interface Verified {
  readonly user: UserInfo;
  /** What it is for, of what was asked for. */
  readonly audiences: string[];
}

/** Issues and checks service account tokens: bound ones (TokenRequest API, KEP-1205), and legacy ones in secrets. */
export class ServiceAccountTokens {
  readonly #options: TokenIssuerOptions;
  readonly #issuers: ReadonlySet<unknown>;

  constructor(options: TokenIssuerOptions) {
    this.#options = options;
    this.#issuers = new Set([...options.issuers, LEGACY_ISSUER]);
  }

  /** The keys that others may check our tokens with. */
  get keys(): readonly VerificationKey[] {
    return this.#options.keys;
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
    const meant = spec.audiences && spec.audiences.length > 0 ? spec.audiences : audiences;
    const isOwn = meant.every((audience) => audiences.includes(audience));
    const stretch = wanted === WARN_AFTER_SECONDS && bound?.kind === "Pod" && isOwn;
    const claims = {
      aud: meant,
      exp: now + (stretch ? EXTENDED_SECONDS : wanted),
      iat: now,
      iss: issuers[0],
      jti: random.uuid(),
      "kubernetes.io": kubernetesClaims(account, bound, stretch ? now + wanted : undefined),
      nbf: now,
      sub: accountUser(account.metadata.namespace, account.metadata.name),
    };
    return { token: signJwt(claims, keys[0]), expirationTimestamp: formatTime((now + wanted) * 1000) };
  }

  /** Signs the token of a secret of type `kubernetes.io/service-account-token`: it lives as long as the secret does. */
  issueLegacy({ metadata }: corev1.ServiceAccount, secret: string): string {
    const { namespace, name, uid } = metadata;
    return signJwt(writeLegacyClaims({ namespace, secret, account: { name, uid } }), this.#options.keys[0]);
  }

  /** Whether a token claims to be one of ours: then nobody else need look at it. */
  claims(token: string): boolean {
    return this.#issuers.has(peekClaims(token)?.["iss"]);
  }

  /**
   * The user a token stands for, and the audiences it shares with `audiences`. Rejects with {@link InvalidToken} for a bad
   * signature, a wrong audience or time, and when the account or the object it is bound to is gone or is another by now.
   */
  async verify(token: string, audiences: readonly string[] = this.#options.audiences): Promise<Verified> {
    const claims = verifyJwt(token, this.#options.keys);
    const issuer = claims["iss"];
    if (!this.#issuers.has(issuer)) throw new InvalidToken(`token issuer ${JSON.stringify(issuer)} is invalid`);
    const shared = this.#sharedAudiences(claims["aud"], audiences);
    if (issuer === LEGACY_ISSUER) {
      return { user: await this.#legacyUser(token, legacyClaims(claims)), audiences: shared };
    }
    this.#checkTimes(claims);
    const bonds = boundClaims(claims);
    await this.#checkBonds(bonds);
    return { user: userOf(bonds, claims["jti"]), audiences: shared };
  }

  #sharedAudiences(given: unknown, wanted: readonly string[]): string[] {
    const list: readonly unknown[] = Array.isArray(given) ? given : [given];
    const named = list.filter((audience) => typeof audience === "string");
    const meant = named.length > 0 ? named : this.#options.audiences;
    const shared = meant.filter((audience) => wanted.includes(audience));
    if (shared.length > 0) return shared;
    const print = (list: readonly string[]): string => `[${list.map((text) => JSON.stringify(text)).join(" ")}]`;
    throw new InvalidToken(`token audiences ${print(meant)} is invalid for the target audiences ${print(wanted)}`);
  }

  #checkTimes(claims: Claims): void {
    const now = this.#options.clock.now() / 1000;
    const { exp, nbf, iat } = claims;
    if (typeof nbf === "number" && now + LEEWAY_SECONDS < nbf) {
      throw new InvalidToken("service account token is not valid yet");
    }
    if (typeof exp !== "number" || now - LEEWAY_SECONDS > exp) {
      throw new InvalidToken("service account token has expired");
    }
    if (typeof iat === "number" && now + LEEWAY_SECONDS < iat) {
      throw new InvalidToken("service account token is issued in the future");
    }
  }

  async #checkBonds(bonds: KubernetesClaims): Promise<void> {
    const { namespace, serviceaccount, secret, pod, node } = bonds;
    const account = await this.#account(namespace, serviceaccount);
    if (account.metadata.uid !== serviceaccount.uid) {
      throw new InvalidToken(mismatch("service account", account, "claim", serviceaccount));
    }
    if (this.#isDeleted(account)) {
      throw new InvalidToken(`service account ${namespace}/${serviceaccount.name} has been deleted`);
    }
    if (secret) await this.#checkBond(resources.secrets, "secret", secret, namespace);
    if (pod) await this.#checkBond(resources.pods, "pod", pod, namespace);
    // A pod's token only says where the pod was; a node's token dies with the node.
    else if (node) await this.#checkBond(resources.nodes, "node", node);
  }

  async #account(namespace: string, { name }: Ref): Promise<corev1.ServiceAccount> {
    const account = await this.#options.lookup.get(resources.serviceaccounts, name, namespace);
    if (!account) throw new InvalidToken(notFound(resources.serviceaccounts, name).message);
    return account;
  }

  async #checkBond(
    resource: Resource<{ readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string } }>,
    what: string,
    ref: Ref,
    namespace?: string,
  ): Promise<void> {
    const found = await this.#options.lookup.get(resource, ref.name, namespace);
    if (!found) throw new InvalidToken(INVALIDATED);
    if (found.metadata.uid !== ref.uid) {
      throw new InvalidToken(mismatch(what, found, `service account ${what} ref claim`, ref));
    }
    if (this.#isDeleted(found)) throw new InvalidToken(INVALIDATED);
  }

  #isDeleted({ metadata }: { readonly metadata: { readonly deletionTimestamp?: string } }): boolean {
    const { deletionTimestamp: time } = metadata;
    return time !== undefined && Date.parse(time) + LEEWAY_SECONDS * 1000 < this.#options.clock.now();
  }

  /** A legacy token is whatever its secret holds. */
  async #legacyUser(token: string, { namespace, secret: secretName, account: ref }: LegacyClaims): Promise<UserInfo> {
    const secret = await this.#options.lookup.get(resources.secrets, secretName, namespace);
    if (!secret || secret.metadata.deletionTimestamp !== undefined)
      throw new InvalidToken("Token has been invalidated");
    if (Buffer.from(secret.data?.["token"] ?? "", "base64").toString("latin1") !== token) {
      throw new InvalidToken("Token does not match server's copy");
    }
    const account = await this.#account(namespace, ref);
    const where = `ServiceAccount ${namespace}/${ref.name}`;
    if (account.metadata.deletionTimestamp !== undefined) throw new InvalidToken(`${where} has been deleted`);
    if (account.metadata.uid !== ref.uid) throw new InvalidToken(mismatch("ServiceAccount", account, "claim", ref));
    const today = formatTime(this.#options.clock.now()).slice(0, "2026-01-01".length);
    this.#options.onLegacyUse?.(secret, today);
    if (secret.metadata.labels?.[INVALID_SINCE_LABEL]) {
      const advice =
        "Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the " +
        `'${INVALID_SINCE_LABEL}' label from the secret to temporarily allow use of this token`;
      const which = `the token in secret ${namespace}/${secretName} for service account ${namespace}/${ref.name}`;
      throw new InvalidToken(`${which} has been marked invalid. ${advice}`);
    }
    return { name: accountUser(namespace, ref.name), uid: ref.uid, groups: groupsOf(namespace) };
  }
}

function mismatch(
  what: string,
  found: { readonly metadata: { readonly uid: string } },
  claim: string,
  ref: Ref,
): string {
  return `${what} UID (${found.metadata.uid}) does not match ${claim} (${ref.uid})`;
}

function kubernetesClaims(
  { metadata }: corev1.ServiceAccount,
  bound: BoundObject | undefined,
  warnAfter: number | undefined,
): KubernetesClaims {
  const ref = bound && { name: bound.name, uid: bound.uid };
  return {
    namespace: metadata.namespace,
    ...(bound?.kind === "Node" && ref && { node: ref }),
    ...(bound?.node && { node: bound.node }),
    ...(bound?.kind === "Pod" && ref && { pod: ref }),
    ...(bound?.kind === "Secret" && ref && { secret: ref }),
    serviceaccount: { name: metadata.name, uid: metadata.uid },
    ...(warnAfter !== undefined && { warnafter: warnAfter }),
  };
}

function groupsOf(namespace: string): string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
}

function userOf({ namespace, serviceaccount, pod, node }: KubernetesClaims, id: unknown): UserInfo {
  const key = (name: string): string => `authentication.kubernetes.io/${name}`;
  return {
    name: accountUser(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: groupsOf(namespace),
    extra: {
      ...(typeof id === "string" && id !== "" && { [key("credential-id")]: [`JTI=${id}`] }),
      ...(pod && { [key("pod-name")]: [pod.name], [key("pod-uid")]: [pod.uid] }),
      ...(node && { [key("node-name")]: [node.name], [key("node-uid")]: [node.uid] }),
    },
  };
}
