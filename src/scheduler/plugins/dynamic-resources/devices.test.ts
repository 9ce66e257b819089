import { describe, expect, it } from "vitest";
import { type corev1, type Draft, type resourcev1, resources } from "../../../api/index.ts";
import type { TestCluster } from "../../../testing/index.ts";
import {
  cluster,
  create,
  get,
  labelled,
  node,
  nodeOf,
  nodes,
  perNode,
  pod,
  whyPending,
} from "../../fixtures.fixture.ts";

const DRIVER = "gpu.example.com";

interface DeviceDraft {
  readonly name: string;
  readonly attributes?: Record<string, resourcev1.DeviceAttribute>;
  readonly capacity?: Record<string, { readonly value: string }>;
}

function devices(count: number, attributes: DeviceDraft["attributes"] = {}): DeviceDraft[] {
  return Array.from({ length: count }, (_, i) => ({ name: `dev-${i}`, attributes }));
}

async function slice(
  c: TestCluster,
  where: Partial<resourcev1.ResourceSliceSpec>,
  list: readonly DeviceDraft[],
  pool: Partial<resourcev1.ResourcePool> = {},
): Promise<void> {
  const name = `slice-${pool.name ?? where.nodeName ?? "all"}-${pool.generation ?? 1}`;
  const spec = {
    driver: DRIVER,
    pool: { name: where.nodeName ?? "all", generation: 1, resourceSliceCount: 1, ...pool },
    devices: list as resourcev1.Device[],
    ...where,
  };
  await c.client.resource(resources.resourceslices).create({ metadata: { name }, spec });
}

async function deviceClass(c: TestCluster, name = "gpu", expression = `device.driver == "${DRIVER}"`): Promise<void> {
  const spec = { selectors: [{ cel: { expression } }] };
  await c.client.resource(resources.deviceclasses).create({ metadata: { name }, spec });
}

function exactly(more: Partial<resourcev1.ExactDeviceRequest> = {}, name = "gpu"): resourcev1.DeviceRequest {
  return { name, exactly: { deviceClassName: "gpu", ...more } };
}

async function claim(
  c: TestCluster,
  name: string,
  ...requests: readonly (resourcev1.DeviceRequest | { readonly constraints: resourcev1.DeviceConstraint[] })[]
): Promise<void> {
  const constraints = requests.flatMap((one) => ("constraints" in one ? one.constraints : []));
  const asked = requests.flatMap((one) => ("constraints" in one ? [] : one));
  const spec = { devices: { requests: asked, ...(constraints.length > 0 && { constraints }) } };
  await c.client.resource(resources.resourceclaims).create({ metadata: { name, namespace: "default" }, spec });
}

function using(name: string, ...claims: readonly string[]): Draft<corev1.Pod> {
  const resourceClaims = claims.map((claimName) => ({ name: claimName, resourceClaimName: claimName }));
  return pod(name, { resourceClaims });
}

function getClaim(c: TestCluster, name: string): Promise<resourcev1.ResourceClaim> {
  return c.client.resource(resources.resourceclaims).get({ namespace: "default", name });
}

async function granted(c: TestCluster, name: string): Promise<string[]> {
  const { results = [] } = (await getClaim(c, name)).status?.allocation?.devices ?? {};
  return results.map((one) => `${one.request} ${one.pool}/${one.device}`);
}

async function ready(): Promise<TestCluster> {
  const c = await cluster();
  await nodes(c, node("a"), node("b"));
  await deviceClass(c);
  return c;
}

describe("DynamicResources", () => {
  it("allocates a device and reserves the claim before it binds", async () => {
    await using c = await ready();
    await slice(c, { nodeName: "b" }, devices(1));
    await claim(c, "one", exactly());
    await create(c, using("web", "one"));
    expect(await nodeOf(c, "web")).toBe("b");
    const { metadata, status } = await getClaim(c, "one");
    expect(metadata.finalizers).toEqual(["resource.kubernetes.io/delete-protection"]);
    expect(status).toEqual({
      allocation: {
        devices: { results: [{ request: "gpu", driver: DRIVER, pool: "b", device: "dev-0" }] },
        nodeSelector: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }],
        },
      },
      reservedFor: [{ resource: "pods", name: "web", uid: (await get(c, "web")).metadata.uid }],
    });
  });

  it("gives no device to two claims, and tells why a pod waits", async () => {
    await using c = await ready();
    await slice(c, { nodeName: "a" }, devices(2));
    for (const name of ["c1", "c2", "c3"]) await claim(c, name, exactly());
    await create(c, using("p1", "c1"), using("p2", "c2"), using("p3", "c3"));
    expect(await perNode(c)).toEqual({ a: 2, "": 1 });
    expect(await whyPending(c, "p3")).toBe(
      "0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
    const claims = c.client.resource(resources.resourceclaims);
    const done = await getClaim(c, "c1");
    await claims.update({ ...done, status: {} }, { subresource: "status" });
    await c.advance(3000);
    expect(await nodeOf(c, "p3")).toBe("a");
  });

  it("lets pods share a claim where its devices are", async () => {
    await using c = await ready();
    await slice(c, { nodeName: "b" }, devices(1));
    await claim(c, "shared", exactly());
    await create(c, using("p1", "shared"), using("p2", "shared"));
    await c.advance(3000);
    expect(await perNode(c)).toEqual({ b: 2 });
    expect((await getClaim(c, "shared")).status?.reservedFor).toHaveLength(2);
  });

  it("frees an unused claim whose devices are out of reach", async () => {
    await using c = await ready();
    await slice(c, { nodeName: "a" }, devices(1));
    await slice(c, { nodeName: "b" }, devices(1));
    await claim(c, "moved", exactly());
    await create(c, using("p1", "moved"));
    const at = await nodeOf(c, "p1");
    await c.client.resource(resources.pods).delete({ namespace: "default", name: "p1" }, { gracePeriodSeconds: 0 });
    const was = await getClaim(c, "moved");
    const { allocation } = was.status;
    const claims = c.client.resource(resources.resourceclaims);
    await claims.update({ ...was, status: { ...(allocation && { allocation }) } }, { subresource: "status" });
    const other = at === "a" ? "b" : "a";
    const second = using("p2", "moved");
    await create(c, { ...second, spec: { ...second.spec, nodeSelector: { only: other } } as corev1.PodSpec });
    const target = await c.client.resource(resources.nodes).get({ name: other });
    const labels = { ...target.metadata.labels, only: other };
    await c.client.resource(resources.nodes).update({ ...target, metadata: { ...target.metadata, labels } });
    await c.advance(10_000);
    expect(await nodeOf(c, "p2")).toBe(other);
  });

  it.each<[what: string, request: Partial<resourcev1.ExactDeviceRequest>, got: readonly string[] | undefined]>([
    ["as many as asked for", { count: 2 }, ["gpu a/dev-0", "gpu a/dev-1"]],
    ["no more than there are", { count: 4 }, undefined],
    ["all", { allocationMode: "All" }, ["gpu a/dev-0", "gpu a/dev-1", "gpu a/dev-2"]],
    ["by attribute", { selectors: [cel(`device.attributes["${DRIVER}"].index == 2`)] }, ["gpu a/dev-2"]],
    [
      "by capacity",
      { selectors: [cel(`device.capacity["${DRIVER}"].memory.compareTo(quantity("20Gi")) > 0`)] },
      ["gpu a/dev-2"],
    ],
    [
      "by version",
      { selectors: [cel(`device.attributes["${DRIVER}"].version.isGreaterThan(semver("1.9.0"))`)] },
      ["gpu a/dev-1"],
    ],
    [
      "by whether there is such an attribute",
      { selectors: [cel(`"fast" in device.attributes["other.example.com"]`)] },
      ["gpu a/dev-1"],
    ],
    ["nothing that does not match", { selectors: [cel("false")] }, undefined],
  ])("gives devices: %s", async (_, request, got) => {
    await using c = await ready();
    const list = [0, 1, 2].map((i) => ({
      name: `dev-${i}`,
      attributes: {
        index: { int: i },
        version: { version: ["1.2.0", "1.10.0", "1.9.0-rc.1"][i] as string },
        ...(i === 1 && { "other.example.com/fast": { bool: true } }),
      },
      capacity: { memory: { value: `${(i + 1) * 10}Gi` } },
    }));
    await slice(c, { nodeName: "a" }, list);
    await claim(c, "one", exactly(request));
    await create(c, using("web", "one"));
    expect(await granted(c, "one")).toEqual(got ?? []);
    expect(await nodeOf(c, "web")).toBe(got ? "a" : undefined);
  });

  it("keeps devices of one value together", async () => {
    await using c = await ready();
    const numa = [0, 1, 0, 1].map((n, i) => ({ name: `dev-${i}`, attributes: { numa: { int: n } } }));
    await slice(c, { nodeName: "a" }, numa);
    const constraints = [{ requests: ["x", "y"], matchAttribute: `${DRIVER}/numa` }];
    await claim(c, "first", exactly({ selectors: [cel(`device.attributes["${DRIVER}"].numa == 1`)] }, "x"));
    await claim(c, "pair", exactly({}, "x"), exactly({}, "y"), { constraints });
    await create(c, using("p1", "first"), using("p2", "pair"));
    expect(await granted(c, "pair")).toEqual(["x a/dev-0", "y a/dev-2"]);
  });

  it("takes the first alternative that can be had, and prefers nodes with better ones", async () => {
    await using c = await ready();
    await deviceClass(c, "big", `device.driver == "${DRIVER}" && device.attributes["${DRIVER}"].size == "big"`);
    await slice(c, { nodeName: "a" }, devices(2, { size: { string: "small" } }));
    await slice(c, { nodeName: "b" }, devices(1, { size: { string: "big" } }));
    const either = {
      name: "gpu",
      firstAvailable: [
        { name: "big", deviceClassName: "big" },
        { name: "two", deviceClassName: "gpu", count: 2 },
      ],
    };
    await claim(c, "c1", either);
    await claim(c, "c2", either);
    await create(c, using("p1", "c1"), using("p2", "c2"));
    expect(await granted(c, "c1")).toEqual(["gpu/big b/dev-0"]);
    expect(await granted(c, "c2")).toEqual(["gpu/two a/dev-0", "gpu/two a/dev-1"]);
  });

  it("shares devices with administrators", async () => {
    await using c = await ready();
    const labels = { "resource.kubernetes.io/admin-access": "true" };
    await c.client.resource(resources.namespaces).create({ metadata: { name: "admins", labels } });
    await slice(c, { nodeName: "a" }, devices(1));
    await claim(c, "used", exactly());
    await create(c, using("p1", "used"));
    const spec = { devices: { requests: [exactly({ adminAccess: true, allocationMode: "All" })] } };
    const claims = c.client.resource(resources.resourceclaims);
    await claims.create({ metadata: { name: "watching", namespace: "admins" }, spec });
    const watcher = using("watcher", "watching");
    await create(c, { ...watcher, metadata: { name: "watcher", namespace: "admins" } });
    const { status } = await claims.get({ namespace: "admins", name: "watching" });
    expect(status?.allocation?.devices.results).toMatchObject([{ device: "dev-0", adminAccess: true }]);
  });

  it("hands on the configuration of class and claim", async () => {
    await using c = await ready();
    const opaque = (value: string): { readonly opaque: resourcev1.OpaqueDeviceConfiguration } => ({
      opaque: { driver: DRIVER, parameters: { value } },
    });
    const spec = { config: [opaque("class")] };
    await c.client.resource(resources.deviceclasses).create({ metadata: { name: "set-up" }, spec });
    await slice(c, { allNodes: true }, devices(2));
    const devicesSpec = {
      requests: [exactly({ deviceClassName: "set-up" }, "x"), exactly({}, "y")],
      config: [{ requests: ["y"], ...opaque("y") }, opaque("any")],
    };
    const claims = c.client.resource(resources.resourceclaims);
    await claims.create({ metadata: { name: "one", namespace: "default" }, spec: { devices: devicesSpec } });
    await create(c, using("web", "one"));
    const { allocation } = (await getClaim(c, "one")).status;
    expect(allocation?.nodeSelector).toBeUndefined();
    expect(allocation?.devices.config).toEqual([
      { source: "FromClass", requests: ["x"], ...opaque("class") },
      { source: "FromClaim", requests: ["y"], ...opaque("y") },
      { source: "FromClaim", ...opaque("any") },
    ]);
  });

  it("reaches devices by node labels", async () => {
    await using c = await cluster();
    await nodes(c, labelled("a", { rack: "1" }), labelled("b", { rack: "2" }));
    await deviceClass(c);
    const term = { matchExpressions: [{ key: "rack", operator: "In" as const, values: ["2"] }] };
    await slice(c, { nodeSelector: { nodeSelectorTerms: [term] } }, devices(1), { name: "rack-2" });
    await claim(c, "one", exactly());
    await create(c, using("web", "one"));
    expect(await nodeOf(c, "web")).toBe("b");
    expect((await getClaim(c, "one")).status?.allocation?.nodeSelector).toEqual({ nodeSelectorTerms: [term] });
  });

  it("leaves incomplete and out-dated pools alone", async () => {
    await using c = await ready();
    await slice(c, { nodeName: "a" }, devices(1), { resourceSliceCount: 2 });
    await slice(c, { nodeName: "b" }, devices(1));
    await slice(c, { nodeName: "b" }, [{ name: "newer" }], { generation: 2 });
    await claim(c, "one", exactly());
    await create(c, using("web", "one"));
    expect(await granted(c, "one")).toEqual(["gpu b/newer"]);
  });

  it.each<[what: string, claimName: string, message: string]>([
    ["the claim does not exist", "nope", ""],
    ["the class does not exist", "classless", "request gpu: device class missing does not exist"],
    ["the selector is wrong", "wrong", "claim default/wrong: selector #0: CEL runtime error: no such key: nope"],
  ])("waits when %s", async (_, claimName, message) => {
    await using c = await ready();
    await slice(c, { nodeName: "a" }, devices(1));
    await claim(c, "classless", exactly({ deviceClassName: "missing" }));
    await claim(c, "wrong", exactly({ selectors: [cel(`device.attributes["${DRIVER}"].nope == 1`)] }));
    await create(c, using("web", claimName));
    expect(await nodeOf(c, "web")).toBeUndefined();
    if (message) expect(await whyPending(c, "web")).toContain(message);
    else {
      await claim(c, "nope", exactly());
      await c.advance(3000);
      expect(await nodeOf(c, "web")).toBe("a");
    }
  });

  it("waits for claims to be made from templates", async () => {
    await using c = await ready();
    await slice(c, { nodeName: "a" }, devices(1));
    const resourceClaims = [{ name: "gpu", resourceClaimTemplateName: "template" }];
    await create(c, pod("web", { resourceClaims }));
    expect(await nodeOf(c, "web")).toBeUndefined();
    const { metadata } = await get(c, "web");
    const owner = { apiVersion: "v1", kind: "Pod", name: "web", uid: metadata.uid, controller: true };
    await c.client.resource(resources.resourceclaims).create({
      metadata: { name: "web-gpu", namespace: "default", ownerReferences: [owner] },
      spec: { devices: { requests: [exactly()] } },
    });
    const body = { status: { resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "web-gpu" }] } };
    const pods = c.client.resource(resources.pods);
    await pods.patch({ namespace: "default", name: "web" }, { type: "merge", body }, { subresource: "status" });
    await c.advance(3000);
    expect(await nodeOf(c, "web")).toBe("a");
  });
});

function cel(expression: string): resourcev1.DeviceSelector {
  return { cel: { expression } };
}
