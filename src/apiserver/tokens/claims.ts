import { type Claims, InvalidToken } from "./jwt.ts";

/** An object that a token names, with the uid that tells it from another one of its name. */
export interface Ref {
  readonly name: string;
  readonly uid: string;
}

/** What upstream's tokens say under `kubernetes.io`. */
export interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: Ref;
  readonly pod?: Ref;
  readonly secret?: Ref;
  readonly node?: Ref;
  readonly warnafter?: number;
}

/** What tokens from before TokenRequest say. They never expire; they live as long as their secret. */
export interface LegacyClaims {
  readonly namespace: string;
  readonly secret: string;
  readonly account: Ref;
}

const USER = "system:serviceaccount:";
const LEGACY = "kubernetes.io/serviceaccount/";
/** Who issued such tokens. */
export const LEGACY_ISSUER = "kubernetes/serviceaccount";

/** The user that a service account is. */
export function accountUser(namespace: string, name: string): string {
  return `${USER}${namespace}:${name}`;
}

/** The private claims of a bound token. */
export function boundClaims(claims: Claims): KubernetesClaims {
  const found = claims["kubernetes.io"];
  if (!isObject(found) || typeof found["namespace"] !== "string" || !isRef(found["serviceaccount"])) {
    throw new InvalidToken("the token has no kubernetes.io claims");
  }
  for (const kind of ["pod", "secret", "node"]) {
    if (found[kind] !== undefined && !isRef(found[kind])) throw new InvalidToken(`the ${kind} claim is malformed`);
  }
  const bound = found as unknown as KubernetesClaims;
  if (claims["sub"] !== accountUser(bound.namespace, bound.serviceaccount.name)) {
    throw new InvalidToken("sub claim is invalid");
  }
  return bound;
}

/** The private claims of a legacy token. */
export function legacyClaims(claims: Claims): LegacyClaims {
  const text = (key: string, name: string): string => {
    const value = claims[key];
    if (typeof value !== "string" || value === "") throw new InvalidToken(`${name} claim is missing`);
    return value;
  };
  const subject = text("sub", "sub");
  const namespace = text(`${LEGACY}namespace`, "namespace");
  const secret = text(`${LEGACY}secret.name`, "secretName");
  const name = text(`${LEGACY}service-account.name`, "serviceAccountName");
  const uid = text(`${LEGACY}service-account.uid`, "serviceAccountUID");
  if (subject !== accountUser(namespace, name)) throw new InvalidToken("sub claim is invalid");
  return { namespace, secret, account: { name, uid } };
}

/** The claims of a legacy token, as they are signed. */
export function writeLegacyClaims({ namespace, secret, account }: LegacyClaims): Claims {
  return {
    iss: LEGACY_ISSUER,
    [`${LEGACY}namespace`]: namespace,
    [`${LEGACY}secret.name`]: secret,
    [`${LEGACY}service-account.name`]: account.name,
    [`${LEGACY}service-account.uid`]: account.uid,
    sub: accountUser(namespace, account.name),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isRef(value: unknown): value is Ref {
  return isObject(value) && typeof value["name"] === "string" && typeof value["uid"] === "string";
}
