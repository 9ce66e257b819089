import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";
import { EPOCH, meta } from "../fixtures/objects.ts";
import { dateOf, fateOf } from "./cleaner.ts";

const DAY = 86_400_000;
const ANNOTATIONS = { "kubernetes.io/service-account.name": "robot" };
const TYPE = "kubernetes.io/service-account-token";

describe("token secrets in a cluster", () => {
  it("are filled, and go with their accounts", async () => {
    const issueToken = (account: corev1.ServiceAccount, secret: string) => `${account.metadata.name}:${secret}`;
    const extra = { rootCa: "CA", issueToken };
    await using cluster = await createCluster({ components: [controllersOf(["serviceaccount-token"], {}, extra)] });
    const secrets = cluster.client.resource(resources.secrets);
    const accounts = cluster.client.resource(resources.serviceaccounts);
    const key = { namespace: "default", name: "robot" };
    const { uid } = (await accounts.create({ metadata: key, secrets: [{ name: "token" }] })).metadata;
    const token = { namespace: "default", name: "token" };
    const create = () => secrets.create({ metadata: { ...token, annotations: ANNOTATIONS }, type: TYPE });
    await create();
    await cluster.settle();
    const made = await secrets.get(token);
    expect(made.metadata.annotations?.["kubernetes.io/service-account.uid"]).toBe(uid);
    const text = Object.entries(made.data ?? {}).map(([name, value]) => [
      name,
      Buffer.from(value, "base64").toString(),
    ]);
    expect(Object.fromEntries(text)).toEqual({ "ca.crt": "CA", namespace: "default", token: "robot:token" });
    await secrets.delete(token);
    await cluster.settle();
    expect((await accounts.get(key)).secrets ?? []).toEqual([]);
    await create();
    await cluster.settle();
    await accounts.delete(key);
    await cluster.settle();
    expect((await secrets.list({ namespace: "default" })).items).toEqual([]);
  });
});

describe("fateOf", () => {
  const now = EPOCH + 1000 * DAY;
  const fate = (labels: Record<string, string>, createdDaysAgo = 500) =>
    fateOf(
      {
        type: TYPE,
        metadata: meta("token", { labels, creationTimestamp: new Date(now - createdDaysAgo * DAY).toISOString() }),
      } as unknown as corev1.Secret,
      365 * DAY,
      now,
    );
  const ago = (days: number) => dateOf(now - days * DAY);
  const used = "kubernetes.io/legacy-token-last-used";
  const invalid = "kubernetes.io/legacy-token-invalid-since";
  it("depends on when it was used", () => {
    expect(fate({}, 10)).toBe("keep");
    expect(fate({})).toBe("invalidate");
    expect(fate({ [used]: ago(10) })).toBe("keep");
    expect(fate({ [used]: ago(400) })).toBe("invalidate");
    expect(fate({ [used]: "yesterday" })).toBe("keep");
    expect(fate({ [used]: ago(900), [invalid]: ago(10) })).toBe("keep");
    expect(fate({ [used]: ago(900), [invalid]: ago(400) })).toBe("delete");
  });
});
