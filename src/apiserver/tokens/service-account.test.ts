import { createHmac, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { corev1, Resource } from "../../api/index.ts";
import { testEnv } from "../../kit/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { Lookup } from "../seams/index.ts";
import { jwks, openidConfiguration, ServiceAccountTokens, signingKey } from "./index.ts";

const pem = (curve = "P-256"): string =>
  generateKeyPairSync("ec", { namedCurve: curve }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const key = signingKey(pem());
const ISSUER = "https://kubernetes.default.svc.cluster.local";

function setUp(now?: number, signer = key) {
  const env = testEnv(now === undefined ? {} : { now });
  const objects = new Map<string, { metadata: object }>([
    ["serviceaccounts default/sa", { metadata: { name: "sa", namespace: "default", uid: "sa-uid" } }],
    ["pods default/p", { metadata: { name: "p", namespace: "default", uid: "pod-uid" } }],
  ]);
  const used: string[] = [];
  const lookup: Lookup = {
    get: <T>(resource: Resource<T>, name: string, namespace?: string) =>
      Promise.resolve(objects.get(`${resource.resource} ${namespace}/${name}`) as T | undefined),
    list: () => Promise.resolve([]),
  };
  const tokens = new ServiceAccountTokens({
    keys: [signer],
    issuers: [ISSUER],
    audiences: [ISSUER],
    clock: env.clock,
    onLegacyUse: ({ metadata }, day) => void used.push(`${metadata.name} ${day}`),
    random: env.random,
    lookup,
  });
  const account = objects.get("serviceaccounts default/sa") as unknown as corev1.ServiceAccount;
  return { env, objects, tokens, account, used };
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

describe("service account tokens", () => {
  it("carry upstream's claims and stand for the account", async () => {
    const { tokens, account } = setUp();
    const bound = { kind: "Pod", name: "p", uid: "pod-uid", node: { name: "n", uid: "n-uid" } } as const;
    const { token } = tokens.issue(account, {}, bound);
    expect(claimsOf(token)).toMatchObject({
      iss: ISSUER,
      aud: [ISSUER],
      sub: "system:serviceaccount:default:sa",
      "kubernetes.io": {
        namespace: "default",
        pod: { name: "p", uid: "pod-uid" },
        node: { name: "n" },
        serviceaccount: { name: "sa", uid: "sa-uid" },
      },
    });
    const { user } = await tokens.verify(token);
    expect(user).toMatchObject({
      name: "system:serviceaccount:default:sa",
      uid: "sa-uid",
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
      extra: { "authentication.kubernetes.io/pod-name": ["p"] },
    });
  });

  it("live a year when a pod's would have been read anew after an hour, and warn before", () => {
    const { tokens, account } = setUp();
    const { token, expirationTimestamp } = tokens.issue(
      account,
      { expirationSeconds: 3607 },
      { kind: "Pod", name: "p", uid: "pod-uid" },
    );
    const claims = claimsOf(token) as { exp: number; iat: number; "kubernetes.io": { warnafter: number } };
    expect(claims.exp - claims.iat).toBe(365 * 24 * 3600);
    expect(claims["kubernetes.io"].warnafter - claims.iat).toBe(3607);
    expect(Date.parse(expirationTimestamp) / 1000 - claims.iat).toBe(3607);
  });

  it.each<[string, (token: string) => string]>([
    ["no algorithm", (t) => `${part({ alg: "none" })}.${t.split(".")[1]}.`],
    [
      "an HMAC keyed with the public key",
      (t) => {
        const body = `${part({ alg: "HS256", kid: key.keyId })}.${t.split(".")[1]}`;
        const secret = key.publicKey.export({ type: "spki", format: "pem" });
        return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
      },
    ],
    [
      "a changed claim",
      (t) =>
        [t.split(".")[0], part({ ...claimsOf(t), sub: "system:serviceaccount:kube-system:x" }), t.split(".")[2]].join(
          ".",
        ),
    ],
    ["a cut signature", (t) => t.slice(0, -4)],
    ["an empty string", () => ""],
    ["dots", () => ".."],
    [
      "an array for a payload",
      (t) => `${t.split(".")[0]}.${Buffer.from("[]").toString("base64url")}.${t.split(".")[2]}`,
    ],
  ])("refuse %s", async (_, forge) => {
    const { tokens, account } = setUp();
    await expect(tokens.verify(forge(tokens.issue(account, {}).token))).rejects.toThrow();
  });

  it("refuse another audience, another signer, and what has expired", async () => {
    const { tokens, account, env } = setUp();
    await expect(tokens.verify(tokens.issue(account, { audiences: ["vault"] }).token)).rejects.toThrow(/audience/);
    expect((await tokens.verify(tokens.issue(account, { audiences: ["vault"] }).token, ["vault"])).audiences).toEqual([
      "vault",
    ]);
    const other = new ServiceAccountTokens({
      keys: [signingKey(pem())],
      issuers: [ISSUER],
      audiences: [ISSUER],
      ...env,
      lookup: { get: () => Promise.resolve(undefined), list: () => Promise.resolve([]) },
    });
    await expect(tokens.verify(other.issue(account, {}).token)).rejects.toThrow("invalid signature, no keys found");
    const { token } = tokens.issue(account, { expirationSeconds: 600 });
    await env.clock.advance(700_000);
    await expect(tokens.verify(token)).rejects.toThrow(/expired/);
  });

  it("die with the pod they are bound to, and are not revived by another of its name", async () => {
    const { tokens, account, objects } = setUp();
    const { token } = tokens.issue(account, {}, { kind: "Pod", name: "p", uid: "pod-uid" });
    await tokens.verify(token);
    objects.set("pods default/p", { metadata: { uid: "another" } });
    const other = "pod UID (another) does not match service account pod ref claim (pod-uid)";
    await expect(tokens.verify(token)).rejects.toThrow(other);
    objects.delete("pods default/p");
    await expect(tokens.verify(token)).rejects.toThrow("service account token has been invalidated");
  });

  it("die with their account", async () => {
    const { tokens, account, objects, env } = setUp();
    const { token } = tokens.issue(account, {});
    const deleted = formatTime(env.clock.now());
    objects.set("serviceaccounts default/sa", { metadata: { uid: "sa-uid", deletionTimestamp: deleted } });
    await tokens.verify(token);
    await env.clock.advance(61_000);
    await expect(tokens.verify(token)).rejects.toThrow("service account default/sa has been deleted");
    objects.delete("serviceaccounts default/sa");
    await expect(tokens.verify(token)).rejects.toThrow('serviceaccounts "sa" not found');
  });

  it("are stretched only when they are for us alone", () => {
    const { tokens, account } = setUp();
    const spec = { expirationSeconds: 3607, audiences: [ISSUER, "vault"] };
    const claims = claimsOf(tokens.issue(account, spec, { kind: "Pod", name: "p", uid: "pod-uid" }).token);
    expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(3607);
  });

  it.each(["P-256", "P-384", "P-521"])("can be signed with %s", async (curve) => {
    const { tokens, account } = setUp(undefined, signingKey(pem(curve)));
    expect((await tokens.verify(tokens.issue(account, {}).token)).user.name).toBe("system:serviceaccount:default:sa");
  });

  it("publish their keys as a JWKS without any private part", () => {
    const [published] = jwks([key]).keys;
    expect(published).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig", kid: key.keyId });
    expect(published).not.toHaveProperty("d");
  });

  it("say where their keys are", () => {
    expect(openidConfiguration(ISSUER, `${ISSUER}/openid/v1/jwks`, [key])).toEqual({
      issuer: ISSUER,
      jwks_uri: `${ISSUER}/openid/v1/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    });
  });
});

describe("legacy tokens", () => {
  const start = Date.UTC(2026, 0, 2);
  const stored = (token: string, metadata: object = {}): { metadata: object; data: object } => ({
    metadata: { name: "sa-token", namespace: "default", uid: "s-uid", ...metadata },
    data: { token: Buffer.from(token).toString("base64") },
  });

  it("live as long as their secret", async () => {
    const { tokens, account, objects, used } = setUp(start);
    const token = tokens.issueLegacy(account, "sa-token");
    expect(tokens.claims(token)).toBe(true);
    await expect(tokens.verify(token)).rejects.toThrow("Token has been invalidated");
    objects.set("secrets default/sa-token", stored(token));
    expect((await tokens.verify(token)).user).toEqual({
      name: "system:serviceaccount:default:sa",
      uid: "sa-uid",
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    });
    expect(used).toEqual(["sa-token 2026-01-02"]);
  });

  it.each<[string, (token: string) => object, string]>([
    ["another token is there", (token) => stored(`${token}x`), "Token does not match server's copy"],
    [
      "the secret is being deleted",
      (token) => stored(token, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
      "Token has been invalidated",
    ],
    [
      "nobody used it for long",
      (token) => stored(token, { labels: { "kubernetes.io/legacy-token-invalid-since": "2025-12-31" } }),
      "the token in secret default/sa-token for service account default/sa has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token",
    ],
  ])("are refused when %s", async (_, secret, message) => {
    const { tokens, account, objects } = setUp(start);
    const token = tokens.issueLegacy(account, "sa-token");
    objects.set("secrets default/sa-token", secret(token) as { metadata: object });
    await expect(tokens.verify(token)).rejects.toThrow(message);
  });

  it("are of one account, not of its name", async () => {
    const { tokens, account, objects } = setUp(start);
    const token = tokens.issueLegacy(account, "sa-token");
    objects.set("secrets default/sa-token", stored(token));
    objects.set("serviceaccounts default/sa", { metadata: { name: "sa", namespace: "default", uid: "new" } });
    await expect(tokens.verify(token)).rejects.toThrow("ServiceAccount UID (new) does not match claim (sa-uid)");
  });
});
