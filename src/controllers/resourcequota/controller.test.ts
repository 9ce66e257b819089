import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";

const KEY = { namespace: "default", name: "quota" };

describe("ResourceQuotas in a cluster", () => {
  it("are given back what has gone", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["resourcequota"])] });
    const { client } = cluster;
    const quotas = client.resource(resources.resourcequotas);
    const hard = { "requests.cpu": "2", pods: "3", configmaps: "5", "count/deployments.apps": "1" };
    await quotas.create({ metadata: KEY, spec: { hard } });
    const status = async () => {
      await cluster.advance(2000);
      return (await quotas.get(KEY)).status;
    };
    const none = { "requests.cpu": "0", pods: "0", configmaps: "0", "count/deployments.apps": "0" };
    expect(await status()).toEqual({ hard, used: none });
    const pods = client.resource(resources.pods);
    const containers = [{ name: "main", image: "demo", resources: { requests: { cpu: "500m" } } }];
    for (const name of ["a", "b"])
      await pods.create({ metadata: { namespace: "default", name }, spec: { containers } });
    await client.resource(resources.configmaps).create({ metadata: { namespace: "default", name: "c" } });
    expect((await status()).used).toEqual({ ...none, "requests.cpu": "1", pods: "2", configmaps: "1" });
    const key = { namespace: "default", name: "a" };
    await pods.patch(key, { type: "merge", body: { status: { phase: "Failed" } } }, { subresource: "status" });
    expect((await status()).used).toMatchObject({ "requests.cpu": "500m", pods: "1" });
    await pods.delete({ namespace: "default", name: "b" }, { gracePeriodSeconds: 0 });
    expect((await status()).used).toMatchObject({ "requests.cpu": "0", pods: "0" });
    await quotas.patch(KEY, { type: "merge", body: { spec: { hard: { "count/pods": "7" } } } });
    expect((await status()).used).toMatchObject({ "count/pods": "1" });
  });
});
