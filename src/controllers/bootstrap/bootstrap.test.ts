import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";
import { detachedSignature } from "./tokens.ts";

describe("detachedSignature", () => {
  it("leaves the content out", () => {
    const [header = "", payload, signature] = detachedSignature("hello", "abcdef", "0123456789abcdef").split(".");
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "HS256", kid: "abcdef" });
    expect(payload).toBe("");
    expect(signature).toMatch(/^[\w-]{43}$/);
  });
});

describe("bootstrap tokens in a cluster", () => {
  it("sign the cluster's card until they end", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["bootstrapsigner", "tokencleaner"])] });
    const maps = cluster.client.resource(resources.configmaps);
    const secrets = cluster.client.resource(resources.secrets);
    const key = { namespace: "kube-public", name: "cluster-info" };
    await cluster.client
      .resource(resources.namespaces)
      .create({ metadata: { name: "kube-public" } })
      .catch(() => undefined);
    await maps.create({ metadata: key, data: { kubeconfig: "card" } });
    const expiration = formatTime(cluster.clock.now() + 60_000);
    const token = { "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true" };
    await secrets.create({
      metadata: { namespace: "kube-system", name: "bootstrap-token-abcdef" },
      type: "bootstrap.kubernetes.io/token",
      stringData: { ...token, expiration },
    });
    await cluster.settle();
    const data = async () => (await maps.get(key)).data;
    expect(await data()).toEqual({
      kubeconfig: "card",
      "jws-kubeconfig-abcdef": detachedSignature("card", "abcdef", "0123456789abcdef"),
    });
    await cluster.advance(62_000);
    expect((await secrets.list({ namespace: "kube-system" })).items).toEqual([]);
    expect(await data()).toEqual({ kubeconfig: "card" });
  });
});
