import { describe, expect, it } from "vitest";
import { type corev1, type resourcev1, resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";
import { at, controlledBy, meta, pod } from "../fixtures/objects.ts";
import { claimFrom, FINALIZER, missingClaims, planClaim, unreserved } from "./plan.ts";

type Claim = resourcev1.ResourceClaim;

function claimOf(name: string, parts: { metadata?: Partial<Claim["metadata"]>; status?: Claim["status"] } = {}): Claim {
  return {
    kind: "ResourceClaim",
    apiVersion: "resource.k8s.io/v1",
    metadata: { ...meta(name, parts.metadata), namespace: "default" },
    spec: {},
    status: parts.status ?? {},
  } as Claim;
}

const user = (parts: Parameters<typeof pod>[1] = {}): corev1.Pod =>
  pod("user", {
    ...parts,
    spec: { resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "template" }], ...parts.spec },
  });
const named = { resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "made" }] };
const mine = { ownerReferences: [controlledBy(user())] };
const consumer = { resource: "pods", name: "user", uid: "uid-user" };

describe("missingClaims", () => {
  it("are those that were not made, or not for the pod", () => {
    const missing = (object: corev1.Pod, claim?: Claim) => missingClaims(object, () => claim).map(({ name }) => name);
    expect(missing(user())).toEqual(["gpu"]);
    expect(missing(user({ status: named }), claimOf("made", { metadata: mine }))).toEqual([]);
    expect(missing(user({ status: named }), claimOf("made"))).toEqual(["gpu"]);
    expect(missing(user({ status: { resourceClaimStatuses: [{ name: "gpu" }] } }))).toEqual([]);
    expect(missing(user({ spec: { resourceClaims: [{ name: "x", resourceClaimName: "y" }] } }))).toEqual([]);
  });
});

describe("unreserved", () => {
  it("are allocated claims of pods that nobody scheduled", () => {
    const found = (status: Claim["status"], parts: Parameters<typeof pod>[1] = {}) =>
      unreserved(user({ ...parts, status: named }), () => claimOf("made", { metadata: mine, status })).length;
    expect(found({ allocation: { devices: {} } })).toBe(1);
    expect(found({})).toBe(0);
    expect(found({ allocation: { devices: {} }, reservedFor: [consumer] })).toBe(0);
    expect(found({ allocation: { devices: {} } }, { spec: { nodeName: "" } })).toBe(0);
  });
});

describe("planClaim", () => {
  const guarded = { finalizers: [FINALIZER] };
  const allocated = { allocation: { devices: {} }, reservedFor: [consumer] };
  const gone = () => true;
  it("drops consumers that are gone, and then the allocation", () => {
    expect(planClaim(claimOf("c", { metadata: guarded, status: allocated }), gone, undefined)).toEqual({
      status: {},
      unprotect: true,
      remove: false,
    });
    expect(planClaim(claimOf("c", { status: allocated }), gone, undefined).status).toEqual({
      allocation: { devices: {} },
    });
    const kept = planClaim(claimOf("c", { metadata: guarded, status: allocated }), () => false, undefined);
    expect(kept).toEqual({ unprotect: false, remove: false });
  });
  it("frees claims that are deleted", () => {
    const metadata = { ...guarded, deletionTimestamp: at(0) };
    expect(planClaim(claimOf("c", { metadata, status: { allocation: { devices: {} } } }), gone, undefined)).toEqual({
      status: {},
      unprotect: true,
      remove: false,
    });
  });
  it("deletes what was made for a pod that is over", () => {
    const claim = claimOf("c", { metadata: mine });
    expect(planClaim(claim, gone, user({ status: { phase: "Succeeded" } })).remove).toBe(true);
    expect(planClaim(claim, gone, user({ metadata: { uid: "another" } })).remove).toBe(true);
    expect(planClaim(claim, gone, user()).remove).toBe(false);
    expect(planClaim(claim, gone, undefined).remove).toBe(false);
  });
});

describe("claimFrom", () => {
  it("shortens long names", () => {
    const template = { spec: { spec: {} } } as resourcev1.ResourceClaimTemplate;
    const prefix = (podName: string) => claimFrom(template, pod(podName), { name: "gpu" }).metadata?.generateName;
    expect(prefix("user")).toBe("user-gpu-");
    expect(prefix("u".repeat(63))).toBe(`${"u".repeat(52)}-gp`);
  });
});

describe("resource claims in a cluster", () => {
  it("come and go with their pods", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["resourceclaim-controller"])] });
    const { client } = cluster;
    const claims = client.resource(resources.resourceclaims);
    const pods = client.resource(resources.pods);
    const devices = { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.example.com" } }] };
    const metadata = { namespace: "default", name: "template" };
    await pods.create({
      metadata: { namespace: "default", name: "user" },
      spec: {
        containers: [{ name: "main", image: "demo" }],
        resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "template" }],
      },
    });
    await cluster.settle();
    expect((await claims.list()).items).toEqual([]);
    const labels = { a: "b" };
    const template = { metadata, spec: { metadata: { labels }, spec: { devices } } };
    await client.resource(resources.resourceclaimtemplates).create(template);
    await cluster.advance(10_000);
    const [claim] = (await claims.list()).items;
    expect(claim?.metadata).toMatchObject({ labels, generateName: "user-gpu-" });
    const key = { namespace: "default", name: "user" };
    const told = (await pods.get(key)).status.resourceClaimStatuses;
    expect(told).toEqual([{ name: "gpu", resourceClaimName: claim?.metadata.name }]);
    const ended = { type: "merge", body: { status: { phase: "Succeeded" } } } as const;
    await pods.patch(key, ended, { subresource: "status" });
    await cluster.settle();
    expect((await claims.list()).items).toEqual([]);
  });
});
