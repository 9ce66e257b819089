import { describe, expect, it } from "vitest";
import { type autoscalingv1, type policyv1, resources } from "../api/index.ts";
import { createClient } from "./create-client.ts";
import { listAll, listPages } from "./pager.ts";
import { queryString, resourcePath } from "./path.ts";
import { subresourceOf } from "./subresource.ts";
import type { ApiRequest, Transport } from "./transport.ts";
import { expired } from "../machinery/index.ts";

function recorder(answer: (request: ApiRequest) => unknown = () => ({})) {
  const seen: ApiRequest[] = [];
  const transport: Transport = {
    request: async (request) => {
      seen.push(request);
      return { status: 200, headers: {}, body: await Promise.resolve(answer(request)) };
    },
    // oxlint-disable-next-line require-yield
    watch: async function* (request) {
      seen.push(request);
      yield { type: "BOOKMARK", object: { metadata: { resourceVersion: "7" } } };
      yield { type: "ADDED", object: { metadata: { name: "a" } } };
    },
  };
  return { seen, client: createClient(transport) };
}

describe("paths", () => {
  it.each([
    [resources.pods, {}, "/api/v1/pods"],
    [resources.pods, { namespace: "a b" }, "/api/v1/namespaces/a%20b/pods"],
    [resources.pods, { namespace: "x", name: "y", subresource: "log" }, "/api/v1/namespaces/x/pods/y/log"],
    [resources.nodes, { namespace: "ignored", name: "n1" }, "/api/v1/nodes/n1"],
    [resources.deployments, { namespace: "x", name: "a/b" }, "/apis/apps/v1/namespaces/x/deployments/a%2Fb"],
    [resources.clusterroles, { name: "system:node" }, "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode"],
  ])("%#", (resource, options, path) => expect(resourcePath(resource, options)).toBe(path));

  it("refuses names that a server would fold away", () => {
    expect(() => resourcePath(resources.pods, { namespace: "..", name: "x" })).toThrow('".." may not be');
  });

  it("encodes queries", () => {
    expect(queryString({ a: "x=y&z", b: undefined, c: ["1", "2"] })).toBe("?a=x%3Dy%26z&c=1&c=2");
    expect(queryString({})).toBe("");
  });
});

describe("createClient", () => {
  it("gives the same client for the same resource", () => {
    const { client } = recorder();
    expect(client.resource(resources.pods)).toBe(client.resource(resources.pods));
  });

  it("creates, filling in kind and apiVersion", async () => {
    const { client, seen } = recorder();
    const deployment = { metadata: { name: "d", namespace: "x" } };
    await client.resource(resources.deployments).create(deployment, { dryRun: true, fieldManager: "me" });
    expect(seen[0]).toEqual({
      method: "POST",
      path: "/apis/apps/v1/namespaces/x/deployments",
      query: { fieldManager: "me", dryRun: "All" },
      body: { kind: "Deployment", apiVersion: "apps/v1", metadata: { name: "d", namespace: "x" } },
    });
    expect(deployment).toEqual({ metadata: { name: "d", namespace: "x" } });
  });

  it("creates subresources of their own kind", async () => {
    const { client, seen } = recorder();
    const binding = { metadata: { name: "p", namespace: "x" }, target: { kind: "Node", name: "n" } };
    await client.resource(resources.pods).create(binding as never, { subresource: "binding", name: "p" });
    expect(seen[0]).toMatchObject({
      path: "/api/v1/namespaces/x/pods/p/binding",
      body: { kind: "Binding", apiVersion: "v1", target: { kind: "Node", name: "n" } },
    });
  });

  it("types subresources of another kind", async () => {
    const { client, seen } = recorder();
    const scale = subresourceOf<autoscalingv1.Scale>(client, resources.deployments, "scale");
    const key = { namespace: "x", name: "d" };
    await scale.get(key);
    await scale.update(key, { spec: { replicas: 3 } });
    await subresourceOf<policyv1.Eviction>(client, resources.pods, "eviction").create(key, {});
    expect(seen.map((r) => `${r.method} ${r.path}`)).toEqual([
      "GET /apis/apps/v1/namespaces/x/deployments/d/scale",
      "PUT /apis/apps/v1/namespaces/x/deployments/d/scale",
      "POST /api/v1/namespaces/x/pods/d/eviction",
    ]);
    expect(seen[1]?.body).toEqual({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: key,
      spec: { replicas: 3 },
    });
    expect(seen[2]?.body).toEqual({ kind: "Eviction", apiVersion: "policy/v1", metadata: key });
  });

  it("updates status, gets, deletes and patches the right paths with the right types", async () => {
    const { client, seen } = recorder();
    const pods = client.resource(resources.pods);
    const key = { namespace: "x", name: "p" };
    await pods.update({ metadata: key }, { subresource: "status" });
    await pods.get(key, { resourceVersion: "0" });
    await pods.delete(key);
    await pods.delete(key, { gracePeriodSeconds: 0, preconditions: { uid: "u" }, dryRun: true });
    await pods.patch(key, { type: "strategic", body: { spec: {} } });
    await pods.patch(key, { type: "apply", body: { spec: {} }, force: true }, { fieldManager: "me" });
    await pods.deleteCollection({ namespace: "x", labelSelector: "a=b" }, { propagationPolicy: "Orphan" });
    expect(seen.map((r) => `${r.method} ${r.path}`)).toEqual([
      "PUT /api/v1/namespaces/x/pods/p/status",
      "GET /api/v1/namespaces/x/pods/p",
      "DELETE /api/v1/namespaces/x/pods/p",
      "DELETE /api/v1/namespaces/x/pods/p",
      "PATCH /api/v1/namespaces/x/pods/p",
      "PATCH /api/v1/namespaces/x/pods/p",
      "DELETE /api/v1/namespaces/x/pods",
    ]);
    expect(seen[2]?.body).toBeUndefined();
    expect(seen[3]?.body).toMatchObject({
      kind: "DeleteOptions",
      apiVersion: "v1",
      gracePeriodSeconds: 0,
      dryRun: ["All"],
    });
    expect(seen[4]).toMatchObject({ contentType: "application/strategic-merge-patch+json", body: { spec: {} } });
    expect(seen[5]).toMatchObject({
      contentType: "application/apply-patch+yaml",
      query: { force: "true", fieldManager: "me" },
      body: { kind: "Pod", apiVersion: "v1", spec: {} },
    });
    expect(seen[6]).toMatchObject({ query: { labelSelector: "a=b" }, body: { propagationPolicy: "Orphan" } });
  });

  it("says of each item of a list what it is", async () => {
    const item = { metadata: { name: "a" } };
    const list = (items: unknown[]) => () => ({ kind: "PodList", apiVersion: "v1", metadata: {}, items });
    const { items } = await recorder(list([item]))
      .client.resource(resources.pods)
      .list();
    expect(items).toEqual([{ kind: "Pod", apiVersion: "v1", ...item }]);
    const typed = { kind: "Pod", apiVersion: "v1" };
    expect(
      (
        await recorder(list([typed]))
          .client.resource(resources.pods)
          .list()
      ).items[0],
    ).toBe(typed);
  });

  it("refuses what would address something else", async () => {
    const { client } = recorder();
    const pods = client.resource(resources.pods);
    await expect(pods.get({ name: "x" })).rejects.toThrow("no namespace given, but pods live in one");
    await expect(pods.get({ namespace: "x", name: "" })).rejects.toThrow("no name given for an object of pods");
    await expect(pods.create({ metadata: { name: "x" } })).rejects.toThrow("no namespace given");
  });

  it("opens bookmarks of a watch", async () => {
    const { client, seen } = recorder();
    const events = [];
    for await (const event of client
      .resource(resources.pods)
      .watch({ allowWatchBookmarks: true, resourceVersion: "5" })) {
      events.push(event);
    }
    expect(events).toEqual([
      { type: "BOOKMARK", resourceVersion: "7", initialEventsEnd: false },
      { type: "ADDED", object: { metadata: { name: "a" } } },
    ]);
    expect(seen[0]?.query).toMatchObject({ allowWatchBookmarks: "true", resourceVersion: "5" });
  });
});

describe("paging", () => {
  const page = (request: ApiRequest) => {
    const at = Number(request.query?.["continue"] ?? 0);
    return { items: [at], metadata: { resourceVersion: "9", ...(at < 2 && { continue: String(at + 1) }) } };
  };

  it("follows continue tokens without a resourceVersion beside them", async () => {
    const { client, seen } = recorder(page);
    const pages = [];
    for await (const one of listPages(client.resource(resources.pods), { resourceVersion: "0", limit: 1 })) {
      pages.push(one.items);
    }
    expect(pages).toEqual([[0], [1], [2]]);
    expect(seen.map((r) => r.query?.["resourceVersion"])).toEqual(["0", undefined, undefined]);
  });

  it("lists in one piece when a token has expired on the way", async () => {
    const { client, seen } = recorder((request) => {
      if (request.query?.["continue"] === "1") throw expired("The provided continue parameter is too old");
      if (request.query?.["limit"]) return page(request);
      return { items: [7, 8], metadata: { resourceVersion: "12" } };
    });
    const all = await listAll(client.resource(resources.pods));
    expect(all).toEqual({ items: [7, 8], metadata: { resourceVersion: "12" } });
    expect(seen).toHaveLength(3);
  });
});
