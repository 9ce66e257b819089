import { describe, expect, it } from "vitest";
import { resources } from "../api/index.ts";
import { serviceUnavailable } from "../machinery/index.ts";
import { createClient } from "./create-client.ts";
import { discover, metadataOnly } from "./dynamic.ts";
import type { ApiRequest, Transport } from "./transport.ts";

function fake(answers: Readonly<Record<string, unknown>>) {
  const seen: ApiRequest[] = [];
  const transport: Transport = {
    request: async (request) => {
      seen.push(request);
      const body = await Promise.resolve(answers[request.path]);
      if (body === undefined) throw serviceUnavailable("down");
      return { status: 200, headers: {}, body };
    },
    watch: async function* (request) {
      seen.push(request);
      yield { type: "ADDED", object: { metadata: { name: "a" } } };
    },
  };
  return { seen, client: createClient(transport) };
}

const deployment = (version: string) => ({
  resource: "deployments",
  responseKind: { group: "", version: "", kind: "Deployment" },
  scope: "Namespaced",
  singularResource: "deployment",
  verbs: ["get", "list"],
  shortNames: ["deploy"],
  subresources: [
    { subresource: "scale", responseKind: { group: "autoscaling", version: "v1", kind: "Scale" }, verbs: ["get"] },
  ],
  version,
});

describe("discover", () => {
  it("reads aggregated discovery", async () => {
    const { client, seen } = fake({
      "/api": {
        kind: "APIGroupDiscoveryList",
        items: [{ metadata: { name: "" }, versions: [{ version: "v1", resources: [] }] }],
      },
      "/apis": {
        kind: "APIGroupDiscoveryList",
        items: [
          {
            metadata: { name: "apps" },
            versions: [
              { version: "v1", resources: [deployment("v1")] },
              {
                version: "v1beta1",
                resources: [
                  deployment("v1beta1"),
                  { ...deployment("v1beta1"), resource: "old", responseKind: { kind: "Old" } },
                ],
              },
            ],
          },
          { metadata: { name: "acme.io" }, versions: [{ version: "v2", freshness: "Stale", resources: [] }] },
        ],
      },
    });
    const served = await discover(client);
    expect(seen.map((r) => r.path)).toEqual(["/api", "/apis"]);
    expect(seen[0]?.headers?.["accept"]).toContain("as=APIGroupDiscoveryList");
    expect(served.preferred.map((r) => `${r.version}/${r.resource}`)).toEqual(["v1/deployments", "v1beta1/old"]);
    expect(served.all).toHaveLength(3);
    expect(served.byKind("apps/v1beta1", "Deployment")?.version).toBe("v1beta1");
    expect(served.byName("apps", "deployments")?.version).toBe("v1");
    expect(served.byName("apps", "deployments", "v1beta1")?.version).toBe("v1beta1");
    expect(served.byKind("apps/v1", "Nothing")).toBeUndefined();
    expect([served.stale, served.isStale("acme.io"), served.isStale("apps")]).toEqual([["acme.io/v2"], true, false]);
    expect(served.preferred[0]).toMatchObject({
      responseKind: ["apps", "v1", "Deployment"],
      namespaced: true,
      shortNames: ["deploy"],
      subresources: [{ name: "scale", verbs: ["get"], kind: ["autoscaling", "v1", "Scale"] }],
    });
  });

  it("asks version by version where that is not known, and goes on without what is down", async () => {
    const pods = { name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["list"] };
    const { client } = fake({
      "/api": { kind: "APIVersions", versions: ["v1"] },
      "/api/v1": {
        resources: [
          pods,
          { ...pods, name: "pods/eviction", group: "policy", version: "v1", kind: "Eviction", verbs: ["create"] },
        ],
      },
      "/apis": {
        kind: "APIGroupList",
        groups: [
          {
            name: "g",
            preferredVersion: { version: "v2" },
            versions: [{ version: "v1" }, { version: "v2" }],
          },
        ],
      },
      "/apis/g/v2": { resources: [{ ...pods, name: "xs", kind: "X" }] },
    });
    const served = await discover(client);
    expect(served.preferred.map((r) => r.resource)).toEqual(["pods", "xs"]);
    expect(served.preferred[0]?.subresources).toEqual([
      { name: "eviction", verbs: ["create"], kind: ["policy", "v1", "Eviction"] },
    ]);
    expect(served.stale).toEqual(["g/v1"]);
  });
});

describe("metadataOnly", () => {
  it("asks for the right form, and leaves writes alone", async () => {
    const { client, seen } = fake({
      "/api/v1/pods": { items: [], metadata: {} },
      "/api/v1/namespaces/x/pods": { items: [], metadata: {} },
      "/api/v1/namespaces/x": {},
      "/apis/apps/v1/namespaces/x/deployments/d": {},
      "/apis/apps/v1/namespaces/x/deployments": {},
    });
    const reduced = metadataOnly(client);
    await reduced.resource(resources.pods).list();
    await reduced.resource(resources.pods).list({ namespace: "x" });
    await reduced.resource(resources.namespaces).get({ name: "x" });
    await reduced.resource(resources.deployments).get({ namespace: "x", name: "d" });
    await reduced.resource(resources.deployments).create({ metadata: { namespace: "x", name: "d" } });
    for await (const _ of reduced.resource(resources.pods).watch({})) break;
    const forms = seen.map((r) => /as=(\w+)/.exec(r.headers?.["accept"] ?? "")?.[1]);
    expect(forms).toEqual([
      "PartialObjectMetadataList",
      "PartialObjectMetadataList",
      "PartialObjectMetadata",
      "PartialObjectMetadata",
      undefined,
      "PartialObjectMetadata",
    ]);
  });
});
