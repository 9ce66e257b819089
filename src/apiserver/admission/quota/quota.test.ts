import { describe, expect, it } from "vitest";
import { type corev1, type Resource, resources } from "../../../api/index.ts";
import type { Client } from "../../../client/index.ts";
import { testEnv } from "../../../kit/index.ts";
import { conflict } from "../../../machinery/index.ts";
import type { Lookup } from "../../seams/index.ts";
import { admitWrite, type Outcome, requestOf, type Write } from "../testing.ts";
import { evaluatorFor } from "./evaluators.ts";
import { resourceQuota } from "./index.ts";

const pod = (resourcesOf: object = {}, spec: object = {}): object => ({
  metadata: { name: "p", namespace: "ns", resourceVersion: "1" },
  spec: { containers: [{ name: "c", image: "i", resources: resourcesOf }], ...spec },
  status: {},
});

describe("usage", () => {
  const usage = (resource: Resource, object: object): Record<string, string> => {
    const amounts = evaluatorFor(resource)?.usage(object, 0) ?? new Map();
    return Object.fromEntries([...amounts].map(([name, amount]) => [name, String(amount)]));
  };

  it.each<[string, Resource, object, Record<string, string>]>([
    [
      "pod",
      resources.pods,
      pod({ requests: { cpu: "1", "a.b/gpu": "2", "hugepages-2Mi": "2Mi" }, limits: { cpu: "2" } }),
      {
        "count/pods": "1",
        pods: "1",
        cpu: "1",
        "requests.cpu": "1",
        "limits.cpu": "2",
        "hugepages-2Mi": "2Mi",
        "requests.hugepages-2Mi": "2Mi",
        "requests.a.b/gpu": "2",
      },
    ],
    ["pod that is done", resources.pods, { ...pod(), status: { phase: "Failed" } }, { "count/pods": "1" }],
    [
      "pod that grows",
      resources.pods,
      {
        ...pod({ requests: { cpu: "1" } }),
        status: { containerStatuses: [{ name: "c", resources: { requests: { cpu: "2" } } }] },
      },
      { "count/pods": "1", pods: "1", cpu: "2", "requests.cpu": "2" },
    ],
    [
      "balanced service",
      resources.services,
      { spec: { type: "LoadBalancer", ports: [{ port: 1 }, { port: 2 }] } },
      { "count/services": "1", services: "1", "services.nodeports": "2", "services.loadbalancers": "1" },
    ],
    [
      "claim",
      resources.persistentvolumeclaims,
      { metadata: {}, spec: { storageClassName: "s", resources: { requests: { storage: "1Gi" } } }, status: {} },
      {
        persistentvolumeclaims: "1",
        "count/persistentvolumeclaims": "1",
        "s.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "requests.storage": "1Gi",
        "s.storageclass.storage.k8s.io/requests.storage": "1Gi",
      },
    ],
    ["secret", resources.secrets, {}, { "count/secrets": "1", secrets: "1" }],
    ["deployment", resources.deployments, {}, { "count/deployments.apps": "1" }],
    ["event", resources.events, {}, {}],
    [
      "device claim",
      resources.resourceclaims,
      {
        spec: {
          devices: {
            requests: [
              { exactly: { deviceClassName: "gpu", allocationMode: "ExactCount", count: 2 } },
              { firstAvailable: [{ deviceClassName: "gpu", allocationMode: "All" }] },
            ],
          },
        },
      },
      { "count/resourceclaims.resource.k8s.io": "1", "gpu.deviceclass.resource.k8s.io/devices": "34" },
    ],
  ])("of a %s", (_, resource, object, expected) => {
    expect(usage(resource, object)).toEqual(expected);
  });
});

/** A namespace with quotas that can be written, and whose writes may fail. */
class Quotas {
  quotas: corev1.ResourceQuota[];
  writes = 0;
  conflicts = 0;
  readonly lookup: Lookup = {
    get: () => Promise.resolve(undefined),
    list: () => Promise.resolve(this.quotas as never),
  };
  readonly client = {
    resource: () => ({
      update: (quota: corev1.ResourceQuota) => {
        this.writes++;
        if (this.conflicts-- > 0) return Promise.reject(conflict(resources.resourcequotas, quota.metadata.name));
        this.quotas = this.quotas.map((q) => (q.metadata.name === quota.metadata.name ? quota : q));
        return Promise.resolve(quota);
      },
    }),
  } as unknown as Client;
  readonly plugin = resourceQuota(this.lookup, this.client, testEnv().clock);

  constructor(...quotas: readonly object[]) {
    this.quotas = quotas.map((quota, i) => ({
      metadata: { name: `q${i}`, namespace: "ns" },
      spec: {},
      ...quota,
    })) as never;
  }

  write(write: Write): Promise<Outcome> {
    return admitWrite(this.plugin, write);
  }
}

const status = (hard: Record<string, string>, used: Record<string, string>): object => ({ status: { hard, used } });
const create = (object: object): Write => ({ resource: resources.pods, object });

describe("a quota", () => {
  it("counts what is created, until it is used up", async () => {
    const quotas = new Quotas(status({ pods: "2", "requests.cpu": "2" }, { pods: "1", "requests.cpu": "1" }));
    const wanted = create(pod({ requests: { cpu: "1" } }));
    expect((await quotas.write(wanted)).refusal).toBeUndefined();
    expect(quotas.quotas[0]?.status.used).toEqual({ pods: "2", "requests.cpu": "2" });
    expect((await quotas.write(wanted)).refusal).toBe(
      "exceeded quota: q0, requested: pods=1,requests.cpu=1, used: pods=2,requests.cpu=2, limited: pods=2,requests.cpu=2",
    );
  });

  it.each<[string, object, Write, string | undefined]>([
    [
      "must be counted first",
      { status: { hard: { pods: "1" } } },
      create(pod()),
      "status unknown for quota: q0, resources: pods",
    ],
    [
      "wants pods to say what they need",
      status({ cpu: "1", "limits.memory": "1Gi" }, { cpu: "0", "limits.memory": "0" }),
      create(pod()),
      "failed quota: q0: must specify cpu for: c; limits.memory for: c",
    ],
    [
      "of best-effort pods lets others be",
      { spec: { scopes: ["BestEffort"] }, ...status({ pods: "0" }, { pods: "0" }) },
      create(pod({ requests: { cpu: "1" } })),
      undefined,
    ],
    [
      "of best-effort pods",
      { spec: { scopes: ["BestEffort"] }, ...status({ pods: "0" }, { pods: "0" }) },
      create(pod()),
      "exceeded quota: q0, requested: pods=1, used: pods=0, limited: pods=0",
    ],
    [
      "of a priority class",
      {
        spec: {
          scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }] },
        },
        ...status({ pods: "0" }, { pods: "0" }),
      },
      create(pod({}, { priorityClassName: "high" })),
      "exceeded quota: q0, requested: pods=1, used: pods=0, limited: pods=0",
    ],
    [
      "counts only growth",
      status({ "requests.storage": "2Gi" }, { "requests.storage": "1Gi" }),
      {
        resource: resources.persistentvolumeclaims,
        operation: "UPDATE",
        oldObject: { metadata: { name: "c" }, spec: { resources: { requests: { storage: "1Gi" } } }, status: {} },
        object: { metadata: { name: "c" }, spec: { resources: { requests: { storage: "2Gi" } } }, status: {} },
      },
      undefined,
    ],
    ["of nothing that is written", status({ secrets: "0" }, { secrets: "0" }), create(pod()), undefined],
    [
      "of objects by number",
      status({ "count/deployments.apps": "0" }, { "count/deployments.apps": "0" }),
      { resource: resources.deployments, object: { metadata: { name: "d" } } },
      "exceeded quota: q0, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0",
    ],
  ])("%s", async (_, quota, write, refusal) => {
    expect((await new Quotas(quota).write(write)).refusal).toBe(refusal);
  });

  it("is not written by a dry run", async () => {
    const quotas = new Quotas(status({ pods: "1" }, { pods: "0" }));
    expect((await quotas.write({ ...create(pod()), dryRun: true })).refusal).toBeUndefined();
    expect(quotas.writes).toBe(0);
  });

  it("is charged once for writes that wait together, and never too much", async () => {
    const quotas = new Quotas(status({ pods: "5" }, { pods: "0" }));
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => quotas.write(create(pod()))));
    expect(outcomes.filter((outcome) => outcome.refusal === undefined)).toHaveLength(5);
    expect(quotas.quotas[0]?.status.used).toEqual({ pods: "5" });
    expect(quotas.writes).toBeLessThan(5);
  });

  it("is charged anew when somebody else wrote it", async () => {
    const quotas = new Quotas(status({ pods: "5" }, { pods: "0" }), status({ pods: "9" }, { pods: "0" }));
    quotas.conflicts = 1;
    expect((await quotas.write(create(pod()))).refusal).toBeUndefined();
    expect(quotas.quotas.map((quota) => quota.status.used)).toEqual([{ pods: "1" }, { pods: "1" }]);
  });

  it("refuses what it could not note", async () => {
    const quotas = new Quotas(status({ pods: "5" }, { pods: "0" }));
    quotas.conflicts = 99;
    expect((await quotas.write(create(pod()))).status?.reason).toBe("Conflict");
  });

  it("does not look at what it need not count", () => {
    const update = requestOf({ resource: resources.pods, operation: "UPDATE", object: pod(), oldObject: pod() });
    expect(evaluatorFor(resources.pods)?.handles(update)).toBe(false);
  });
});
