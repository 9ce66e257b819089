import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";

describe("aggregated ClusterRoles in a cluster", () => {
  it("follow the roles that they select", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["clusterrole-aggregation"])] });
    const roles = cluster.client.resource(resources.clusterroles);
    const rule = (resource: string) => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
    const part = (name: string, ...names: string[]) =>
      roles.create({ metadata: { name, labels: { part: "yes" } }, rules: names.map(rule) });
    await part("b", "pods", "secrets");
    const selector = { matchLabels: { part: "yes" } };
    await roles.create({ metadata: { name: "whole" }, aggregationRule: { clusterRoleSelectors: [selector] } });
    const whole = async () => {
      await cluster.settle();
      return ((await roles.get({ name: "whole" })).rules ?? []).map(({ resources: names }) => names?.join());
    };
    expect(await whole()).toEqual(["pods", "secrets"]);
    await part("a", "pods", "services");
    expect(await whole()).toEqual(["pods", "services", "secrets"]);
    await roles.patch({ name: "a" }, { type: "merge", body: { metadata: { labels: { part: "no" } } } });
    expect(await whole()).toEqual(["pods", "secrets"]);
    await roles.delete({ name: "b" });
    expect(await whole()).toEqual([]);
  });
});
