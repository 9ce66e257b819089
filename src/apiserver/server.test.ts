import { describe, expect, it } from "vitest";
import { resources } from "../api/index.ts";
import type { ApiRequest } from "../client/index.ts";
import { isConflict, isExpired, isInvalid, isNotFound, statusErrorIn } from "../machinery/index.ts";
import { createCluster, type TestCluster } from "../testing/index.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

async function start(): Promise<TestCluster> {
  return createCluster({ components: [] });
}

function send(cluster: TestCluster, method: ApiRequest["method"], path: string, more: Partial<ApiRequest> = {}) {
  return cluster.client.transport.request({ method, path, ...more });
}

function map(name: string, more: object = {}): object {
  return { kind: "ConfigMap", apiVersion: "v1", metadata: { name, namespace: "default", ...more } };
}

/** What a request fails with. */
async function failure(sending: Promise<unknown>): Promise<{ code: number; message: string }> {
  try {
    await sending;
  } catch (error) {
    const status = statusErrorIn(error);
    if (status) return { code: status.code, message: status.message };
    throw error;
  }
  throw new Error("the request did not fail");
}

describe("create", () => {
  it("fills in what the server decides and ignores what the client says of it", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    const made = await maps.create({
      metadata: {
        name: "a",
        namespace: "default",
        uid: "mine",
        creationTimestamp: "2000-01-01T00:00:00Z",
        generation: 7,
      },
    });
    expect(made.metadata.uid).not.toBe("mine");
    expect(made.metadata.creationTimestamp).toBe("2026-01-01T00:00:00Z");
  });

  it("makes a name up, again and again if need be", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    const made = await maps.create({ metadata: { generateName: "a-", namespace: "default" } });
    expect(made.metadata.name).toMatch(/^a-[a-z0-9]{5}$/);
  });

  it.each([
    ["another namespace", map("a", { namespace: "other" }), 400, "does not match the namespace sent on the request"],
    [
      "a resourceVersion",
      map("a", { resourceVersion: "1" }),
      500,
      "resourceVersion should not be set on objects to be created",
    ],
    ["another version", { ...map("a"), apiVersion: "v2" }, 400, "the API version in the data (v2) does not match"],
    ["another kind", { ...map("a"), kind: "Secret" }, 400, "cannot be handled as a ConfigMap"],
    ["a wrong type", { ...map("a"), data: { a: 1 } }, 400, "cannot unmarshal number"],
    ["a bad name", map("A_b"), 422, 'ConfigMap "A_b" is invalid: metadata.name: Invalid value'],
    ["no name", map(""), 422, "name or generateName is required"],
  ])("refuses %s", async (_name, body, code, message) => {
    await using cluster = await start();
    const failed = await failure(send(cluster, "POST", MAPS, { body }));
    expect(failed).toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  it("warns of unknown fields, or refuses or ignores them, as asked", async () => {
    await using cluster = await start();
    const body = (name: string): object => ({ ...map(name), nonsense: 1 });
    const warned = await send(cluster, "POST", MAPS, { body: body("a") });
    expect(warned.headers["warning"]).toContain("unknown field");
    const quiet = await send(cluster, "POST", MAPS, { body: body("b"), query: { fieldValidation: "Ignore" } });
    expect(quiet.headers["warning"]).toBeUndefined();
    expect(quiet.body).not.toHaveProperty("nonsense");
    const failed = await failure(
      send(cluster, "POST", MAPS, { body: body("c"), query: { fieldValidation: "Strict" } }),
    );
    expect(failed.message).toContain('strict decoding error: unknown field "nonsense"');
  });
});

describe("update", () => {
  it("insists on the resourceVersion where the request names one", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    const made = await maps.create({ metadata: { name: "a", namespace: "default" } });
    await maps.update({ ...made, data: { a: "1" } });
    await expect(maps.update({ ...made, data: { a: "2" } })).rejects.toSatisfy(isConflict);
    const blind = await maps.update({ metadata: { name: "a", namespace: "default" }, data: { a: "3" } });
    expect(blind.data).toEqual({ a: "3" });
    expect(blind.metadata.uid).toBe(made.metadata.uid);
  });

  it("needs one where the kind says so", async () => {
    await using cluster = await start();
    const budgets = cluster.client.resource(resources.poddisruptionbudgets);
    const spec = { maxUnavailable: 1, selector: { matchLabels: { a: "b" } } };
    await budgets.create({ metadata: { name: "a", namespace: "default" }, spec });
    const error = await failure(budgets.update({ metadata: { name: "a", namespace: "default" }, spec }));
    expect(error).toMatchObject({
      code: 422,
      message: expect.stringContaining("must be specified for an update") as string,
    });
  });

  it("does not write what did not change", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    const made = await maps.create({ metadata: { name: "a", namespace: "default" }, data: { a: "1" } });
    const again = await maps.update(made);
    expect(again.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });

  it("creates where the kind allows it", async () => {
    await using cluster = await start();
    const roles = cluster.client.resource(resources.roles);
    const role = await roles.update({ metadata: { name: "r", namespace: "default" }, rules: [] });
    expect(role.metadata.uid).not.toBe("");
    const maps = cluster.client.resource(resources.configmaps);
    await expect(maps.update({ metadata: { name: "a", namespace: "default" } })).rejects.toSatisfy(isNotFound);
  });

  it("keeps spec and status apart", async () => {
    await using cluster = await start();
    const deployments = cluster.client.resource(resources.deployments);
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const spec = { replicas: 1, selector: { matchLabels: { a: "b" } }, template };
    const made = await deployments.create({
      metadata: { name: "d", namespace: "default" },
      spec,
      status: { replicas: 9 },
    });
    expect(made.status.replicas ?? 0).toBe(0);
    expect(made.metadata.generation).toBe(1);
    const reported = await deployments.update(
      { ...made, spec: { ...made.spec, replicas: 5 }, status: { ...made.status, replicas: 3 } },
      { subresource: "status" },
    );
    expect([reported.spec.replicas, reported.status.replicas, reported.metadata.generation]).toEqual([1, 3, 1]);
    const scaled = await deployments.update({ ...reported, spec: { ...made.spec, replicas: 5 }, status: {} });
    expect([scaled.spec.replicas, scaled.status.replicas, scaled.metadata.generation]).toEqual([5, 3, 2]);
  });

  it("loses nothing when many change the same object", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    await maps.create({ metadata: { name: "a", namespace: "default" } });
    const key = { name: "a", namespace: "default" };
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => maps.patch(key, { type: "merge", body: { data: { [`k${i}`]: "v" } } })),
    );
    expect(Object.keys((await maps.get(key)).data ?? {})).toHaveLength(40);
  });
});

describe("patch", () => {
  const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const deployment = {
    metadata: { name: "d", namespace: "default" },
    spec: { selector: { matchLabels: { a: "b" } }, template },
  };
  const key = { name: "d", namespace: "default" };

  it("merges lists by key when it is strategic", async () => {
    await using cluster = await start();
    const deployments = cluster.client.resource(resources.deployments);
    await deployments.create(deployment);
    const body = { spec: { template: { spec: { containers: [{ name: "side", image: "s" }] } } } };
    const patched = await deployments.patch(key, { type: "strategic", body });
    expect(patched.spec.template.spec?.containers.map((c) => c.name)).toEqual(["side", "c"]);
  });

  it("keeps owners from the first apply on", async () => {
    await using cluster = await start();
    const deployments = cluster.client.resource(resources.deployments);
    const apply = (replicas: number, manager: string, force = false) =>
      deployments.patch(
        key,
        { type: "apply", force, body: { ...deployment, spec: { ...deployment.spec, replicas } } },
        { fieldManager: manager },
      );
    const made = await apply(1, "one");
    expect(made.metadata.managedFields).toHaveLength(1);
    const same = await apply(1, "one");
    expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    const conflict = await failure(apply(2, "two"));
    expect(conflict).toMatchObject({ code: 409, message: expect.stringContaining('conflict with "one"') as string });
    const forced = await apply(2, "two", true);
    expect(forced.metadata.managedFields?.map((m) => m.manager)).toEqual(["one", "two"]);
    expect(forced.metadata.generation).toBe(2);
  });

  it("refuses what is no patch", async () => {
    await using cluster = await start();
    await cluster.client.resource(resources.configmaps).create({ metadata: { name: "a", namespace: "default" } });
    const patch = (body: unknown, contentType: string) =>
      failure(send(cluster, "PATCH", `${MAPS}/a`, { body, contentType }));
    expect(await patch({}, "application/json")).toMatchObject({ code: 415 });
    expect(await patch({ metadata: { name: "b" } }, "application/merge-patch+json")).toMatchObject({ code: 400 });
    expect(await patch([{ op: "remove", path: "/data/x" }], "application/json-patch+json")).toMatchObject({
      code: 422,
    });
    expect(await patch({ data: { a: 1 } }, "application/merge-patch+json")).toMatchObject({ code: 400 });
  });
});

describe("delete", () => {
  it("checks preconditions", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    const key = { name: "a", namespace: "default" };
    const made = await maps.create({ metadata: key });
    await expect(maps.delete(key, { preconditions: { uid: "other" } })).rejects.toSatisfy(isConflict);
    await expect(maps.delete(key, { preconditions: { resourceVersion: "1" } })).rejects.toSatisfy(isConflict);
    await maps.delete(key, { preconditions: { uid: made.metadata.uid } });
    await expect(maps.delete(key)).rejects.toSatisfy(isNotFound);
  });

  it("waits for finalizers, and goes with the last", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    const key = { name: "a", namespace: "default" };
    await maps.create({ metadata: { ...key, finalizers: ["example.com/one"] } });
    await maps.delete(key);
    const marked = await maps.get(key);
    expect(marked.metadata.deletionTimestamp).toBe("2026-01-01T00:00:00Z");
    expect(marked.metadata.deletionGracePeriodSeconds).toBe(0);
    const { metadata } = marked;
    const revived = await maps.update({
      ...marked,
      metadata: { ...metadata, deletionTimestamp: "2030-01-01T00:00:00Z" },
    });
    expect(revived.metadata.deletionTimestamp).toBe(metadata.deletionTimestamp);
    const more = [...(metadata.finalizers ?? []), "example.com/two"];
    await expect(maps.update({ ...revived, metadata: { ...revived.metadata, finalizers: more } })).rejects.toSatisfy(
      isInvalid,
    );
    await maps.patch(key, { type: "merge", body: { metadata: { finalizers: null } } });
    await expect(maps.get(key)).rejects.toSatisfy(isNotFound);
  });

  it("marks a namespace and leaves it to be emptied", async () => {
    await using cluster = await start();
    const namespaces = cluster.client.resource(resources.namespaces);
    await namespaces.delete({ name: "default" });
    const marked = await namespaces.get({ name: "default" });
    expect(marked.status.phase).toBe("Terminating");
    await namespaces.delete({ name: "default" });
    await namespaces.update({ ...marked, spec: { finalizers: [] } }, { subresource: "finalize" });
    await expect(namespaces.get({ name: "default" })).rejects.toSatisfy(isNotFound);
  });

  it("adds the finalizer of the propagation policy", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    const key = { name: "a", namespace: "default" };
    await maps.create({ metadata: key });
    await maps.delete(key, { propagationPolicy: "Foreground" });
    expect((await maps.get(key)).metadata.finalizers).toEqual(["foregroundDeletion"]);
    await maps.delete(key, { propagationPolicy: "Background" });
    await expect(maps.get(key)).rejects.toSatisfy(isNotFound);
  });

  it("gives a bound pod its grace, which may only be shortened", async () => {
    await using cluster = await start();
    const pods = cluster.client.resource(resources.pods);
    const key = { name: "p", namespace: "default" };
    await pods.create({ metadata: key, spec: { nodeName: "n", containers: [{ name: "c", image: "i" }] } });
    await pods.delete(key);
    const first = await pods.get(key);
    expect(first.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(first.metadata.deletionTimestamp).toBe("2026-01-01T00:00:30Z");
    await pods.delete(key, { gracePeriodSeconds: 60 });
    expect((await pods.get(key)).metadata.deletionGracePeriodSeconds).toBe(30);
    await pods.delete(key, { gracePeriodSeconds: 5 });
    expect((await pods.get(key)).metadata.deletionTimestamp).toBe("2026-01-01T00:00:05Z");
    await pods.delete(key, { gracePeriodSeconds: 0 });
    await expect(pods.get(key)).rejects.toSatisfy(isNotFound);
  });

  it("deletes what a collection's selector finds", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    for (const [name, app] of [
      ["a", "x"],
      ["b", "y"],
      ["c", "x"],
    ] as const) {
      await maps.create({ metadata: { name, namespace: "default", labels: { app } } });
    }
    await maps.deleteCollection({ namespace: "default", labelSelector: "app=x" });
    expect((await maps.list({ namespace: "default" })).items.map((m) => m.metadata.name)).toEqual(["b"]);
  });
});

describe("dry run", () => {
  it("answers as if, and stores nothing", async () => {
    await using cluster = await start();
    const maps = cluster.client.resource(resources.configmaps);
    const key = { name: "a", namespace: "default" };
    const would = await maps.create({ metadata: key }, { dryRun: true });
    expect(would.metadata.uid).not.toBe("");
    expect(would.metadata.resourceVersion).toBeUndefined();
    await expect(maps.get(key)).rejects.toSatisfy(isNotFound);
    const made = await maps.create({ metadata: key });
    expect((await maps.update({ ...made, data: { a: "b" } }, { dryRun: true })).data).toEqual({ a: "b" });
    await maps.delete(key, { dryRun: true });
    expect(await maps.get(key)).toEqual(made);
  });
});

describe("list", () => {
  async function many(cluster: TestCluster, count: number): Promise<void> {
    const maps = cluster.client.resource(resources.configmaps);
    for (let i = 0; i < count; i++) await maps.create({ metadata: { name: `m-${i}`, namespace: "default" } });
  }

  it("is one snapshot however it is paged", async () => {
    await using cluster = await start();
    await many(cluster, 7);
    const maps = cluster.client.resource(resources.configmaps);
    const first = await maps.list({ namespace: "default", limit: 3 });
    expect(first.metadata.remainingItemCount).toBe(4);
    await maps.delete({ namespace: "default", name: "m-5" });
    await maps.create({ metadata: { namespace: "default", name: "m-00" } });
    const second = await maps.list({ namespace: "default", limit: 3, continue: first.metadata.continue ?? "" });
    const third = await maps.list({ namespace: "default", limit: 3, continue: second.metadata.continue ?? "" });
    const names = [first, second, third].flatMap((page) => page.items.map((m) => m.metadata.name));
    expect(names).toEqual(["m-0", "m-1", "m-2", "m-3", "m-4", "m-5", "m-6"]);
    expect(new Set([first, second, third].map((page) => page.metadata.resourceVersion)).size).toBe(1);
    expect(third.metadata.continue).toBeUndefined();
  });

  it("goes on after its snapshot was compacted, and says that it is another", async () => {
    await using cluster = await start();
    await many(cluster, 4);
    const maps = cluster.client.resource(resources.configmaps);
    const first = await maps.list({ namespace: "default", limit: 2 });
    await many(cluster, 0);
    await maps.create({ metadata: { namespace: "default", name: "later" } });
    await cluster.store.compact(await cluster.store.revision());
    const error = await maps
      .list({ namespace: "default", limit: 2, continue: first.metadata.continue ?? "" })
      .catch((e: unknown) => e);
    expect(isExpired(error)).toBe(true);
    const status = statusErrorIn(error)?.status as { metadata?: { continue?: string } } | undefined;
    const token = status?.metadata?.continue ?? "";
    const rest = await maps.list({ namespace: "default", continue: token });
    expect(rest.items.map((m) => m.metadata.name)).toEqual(["m-2", "m-3"]);
  });

  it("reads at the moment asked for", async () => {
    await using cluster = await start();
    await many(cluster, 2);
    const maps = cluster.client.resource(resources.configmaps);
    const { metadata } = await maps.list({ namespace: "default" });
    await maps.create({ metadata: { name: "later", namespace: "default" } });
    const at = { namespace: "default", resourceVersion: metadata.resourceVersion };
    expect((await maps.list({ ...at, resourceVersionMatch: "Exact" })).items).toHaveLength(2);
    expect((await maps.list({ ...at, resourceVersionMatch: "NotOlderThan" })).items).toHaveLength(3);
    expect((await maps.list(at)).items).toHaveLength(3);
    const future = { namespace: "default", resourceVersion: "99999", resourceVersionMatch: "Exact" as const };
    expect(await failure(maps.list(future))).toMatchObject({
      code: 504,
      message: expect.stringContaining("Too large resource version: 99999") as string,
    });
  });

  it.each([
    [{ resourceVersionMatch: "Exact" }, 422, "forbidden unless resourceVersion is provided"],
    [{ resourceVersion: "0", resourceVersionMatch: "Exact" }, 422, 'forbidden for resourceVersion "0"'],
    [{ resourceVersion: "abc" }, 400, "invalid resource version"],
    [{ fieldSelector: "data.x=1" }, 400, "field label not supported: data.x"],
    [{ labelSelector: "a in" }, 400, "unable to parse"],
    [{ continue: "xyz" }, 400, "continue key is not valid"],
    [{ sendInitialEvents: "true" }, 422, "sendInitialEvents is forbidden for list"],
  ])("refuses %o", async (query, code, message) => {
    await using cluster = await start();
    const failed = await failure(send(cluster, "GET", MAPS, { query }));
    expect(failed).toMatchObject({ code, message: expect.stringContaining(message) as string });
  });
});

describe("subresources", () => {
  it("scales a workload", async () => {
    await using cluster = await start();
    const deployments = cluster.client.resource(resources.deployments);
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    await deployments.create({
      metadata: { name: "d", namespace: "default" },
      spec: { replicas: 2, selector: { matchLabels: { a: "b" } }, template },
    });
    const path = "/apis/apps/v1/namespaces/default/deployments/d/scale";
    const { body } = await send(cluster, "GET", path);
    expect(body).toMatchObject({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      spec: { replicas: 2 },
      status: { selector: "a=b" },
    });
    await send(cluster, "PATCH", path, {
      body: { spec: { replicas: 4 } },
      contentType: "application/merge-patch+json",
    });
    const scaled = await deployments.get({ name: "d", namespace: "default" });
    expect([scaled.spec.replicas, scaled.metadata.generation]).toEqual([4, 2]);
    const negative = { body: { spec: { replicas: -1 } }, contentType: "application/merge-patch+json" };
    expect(await failure(send(cluster, "PATCH", path, negative))).toMatchObject({ code: 422 });
  });

  it("binds a pod once", async () => {
    await using cluster = await start();
    const pods = cluster.client.resource(resources.pods);
    const key = { name: "p", namespace: "default" };
    await pods.create({ metadata: key, spec: { containers: [{ name: "c", image: "i" }] } });
    const bind = (node: string) =>
      send(cluster, "POST", "/api/v1/namespaces/default/pods/p/binding", {
        body: { kind: "Binding", apiVersion: "v1", metadata: { name: "p" }, target: { kind: "Node", name: node } },
      });
    await bind("one");
    const bound = await pods.get(key);
    expect(bound.spec.nodeName).toBe("one");
    expect(bound.status.conditions?.find((c) => c.type === "PodScheduled")?.status).toBe("True");
    expect(await failure(bind("two"))).toMatchObject({
      code: 409,
      message: expect.stringContaining('pod p is already assigned to node "one"') as string,
    });
  });

  it("evicts a pod only within its budget", async () => {
    await using cluster = await start();
    const pods = cluster.client.resource(resources.pods);
    const budgets = cluster.client.resource(resources.poddisruptionbudgets);
    const key = { name: "p", namespace: "default" };
    const pod = await pods.create({
      metadata: { ...key, labels: { a: "b" } },
      spec: { nodeName: "n", containers: [{ name: "c", image: "i" }] },
    });
    const ready = { type: "Ready", status: "True" as const };
    await pods.update(
      { ...pod, status: { ...pod.status, phase: "Running", conditions: [ready] } },
      { subresource: "status" },
    );
    const budget = await budgets.create({
      metadata: { name: "b", namespace: "default" },
      spec: { minAvailable: 1, selector: { matchLabels: { a: "b" } } },
    });
    const status = { ...budget.status, observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 };
    await budgets.update({ ...budget, status: { ...status, disruptionsAllowed: 0 } }, { subresource: "status" });
    const evict = () =>
      send(cluster, "POST", "/api/v1/namespaces/default/pods/p/eviction", {
        body: { kind: "Eviction", apiVersion: "policy/v1", metadata: { name: "p" } },
      });
    expect(await failure(evict())).toMatchObject({ code: 429 });
    const now = await budgets.get({ name: "b", namespace: "default" });
    await budgets.update({ ...now, status: { ...now.status, disruptionsAllowed: 1 } }, { subresource: "status" });
    await evict();
    const evicted = await pods.get(key);
    expect(evicted.metadata.deletionTimestamp).toBeDefined();
    expect(evicted.status.conditions?.find((c) => c.type === "DisruptionTarget")?.status).toBe("True");
    expect((await budgets.get({ name: "b", namespace: "default" })).status.disruptionsAllowed).toBe(0);
  });
});

describe("versions", () => {
  it("shows an Event in both of its groups", async () => {
    await using cluster = await start();
    const newer = cluster.client.resource(resources["events.events.k8s.io"]);
    await newer.create({
      metadata: { name: "e", namespace: "default" },
      eventTime: "2026-01-01T00:00:00.000000Z",
      reportingController: "example.com/c",
      reportingInstance: "c-1",
      action: "Testing",
      reason: "Test",
      type: "Normal",
      note: "hello",
      regarding: { kind: "Pod", namespace: "default", name: "p" },
    });
    const older = await cluster.client.resource(resources.events).get({ name: "e", namespace: "default" });
    expect(older).toMatchObject({ apiVersion: "v1", message: "hello", involvedObject: { name: "p" } });
    const listed = await newer.list({ namespace: "default", fieldSelector: "regarding.name=p" });
    expect(listed.items.map((event) => event.note)).toEqual(["hello"]);
  });

  it("lets Events go after an hour", async () => {
    await using cluster = await start();
    const events = cluster.client.resource(resources.events);
    await events.create({ metadata: { name: "e", namespace: "default" }, involvedObject: { namespace: "default" } });
    await cluster.advance(59 * 60_000);
    expect((await events.list({ namespace: "default" })).items).toHaveLength(1);
    await cluster.advance(2 * 60_000);
    expect((await events.list({ namespace: "default" })).items).toHaveLength(0);
  });
});

describe("paths", () => {
  it.each([
    ["GET", "/api/v1/nothing", 404],
    ["GET", "/apis/nothing.example.com/v1/things", 404],
    ["GET", "/api/v1/namespaces/default/nodes", 404],
    ["GET", "/api/v1/namespaces/%2e%2e/secrets/../configmaps", 404],
    ["GET", "/api/v1/configmaps/a", 404],
    ["POST", "/api/v1/namespaces/default/configmaps/a", 405],
    ["PUT", "/api/v1/namespaces/default/configmaps", 405],
    ["GET", "/api/v1/namespaces/default/configmaps/a/status", 404],
    ["GET", "/api/v1/namespaces/default/configmaps/..", 400],
    ["GET", "/nothing", 404],
  ] as const)("%s %s is answered with %i", async (method, path, code) => {
    await using cluster = await start();
    expect(await failure(send(cluster, method, path, method === "GET" ? {} : { body: {} }))).toMatchObject({ code });
  });
});
