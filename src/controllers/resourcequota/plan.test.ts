import { describe, expect, it } from "vitest";
import type { corev1 } from "../../api/index.ts";
import { at, EPOCH, meta, pod } from "../fixtures/objects.ts";
import { countedResources, evaluatorOf } from "./evaluators.ts";
import { quotaStatus } from "./plan.ts";

const NOW = EPOCH + 60_000;

function quota(hard: Record<string, string>, parts: Partial<corev1.ResourceQuotaSpec> = {}): corev1.ResourceQuota {
  return { kind: "ResourceQuota", apiVersion: "v1", metadata: meta("quota"), spec: { hard, ...parts }, status: {} };
}

const used = (object: corev1.ResourceQuota, inventory: Record<string, readonly unknown[]>) =>
  quotaStatus(object, {
    objects: (resource) => inventory[resource],
    usage: (evaluator, each) => evaluator.usage(each, NOW),
  }).used;

const asking = (name: string, requests: Record<string, string>, parts: Parameters<typeof pod>[1] = {}) =>
  pod(name, {
    ...parts,
    spec: { containers: [{ name: "main", image: "demo", resources: { requests, limits: requests } }], ...parts.spec },
  });

describe("quotaStatus", () => {
  const usage = (name: string, object: unknown) =>
    Object.fromEntries(
      [...(evaluatorOf(name)?.usage(object, NOW) ?? [])].map(([key, amount]) => [key, amount.toString()]),
    );

  it("adds up what pods ask for", () => {
    const hard = { cpu: "10", "requests.memory": "1Gi", "limits.cpu": "4", pods: "5", "count/pods": "9" };
    const pods = [
      asking("a", { cpu: "500m", memory: "100Mi" }),
      asking("b", { cpu: "1", memory: "100Mi" }),
      asking("c", { cpu: "1" }, { status: { phase: "Succeeded" } }),
    ];
    expect(used(quota(hard), { pods })).toEqual({
      cpu: "1500m",
      "requests.memory": "200Mi",
      "limits.cpu": "1500m",
      pods: "2",
      "count/pods": "3",
    });
  });

  it("counts nothing as nothing, and what is not known not at all", () => {
    expect(used(quota({ pods: "1", secrets: "1" }), { pods: [] })).toEqual({ pods: "0" });
    const before = {
      ...quota({ secrets: "1" }),
      status: { hard: { secrets: "1" }, used: { secrets: "3", pods: "1" } },
    };
    expect(used(before, {})).toEqual({ secrets: "3" });
  });

  it("stays the same when nothing changes", () => {
    const status = { hard: { memory: "1Gi" }, used: { memory: "1Gi" } };
    const object = { ...quota({ memory: "1024Mi" }), status };
    const same = quotaStatus(object, {
      objects: () => [asking("a", { memory: "1024Mi" })],
      usage: (evaluator, each) => evaluator.usage(each, NOW),
    });
    expect(same).toBe(status);
  });

  it("counts only what is in scope", () => {
    const pods = [
      asking("plain", {}),
      asking("deadline", { cpu: "1" }, { spec: { activeDeadlineSeconds: 5 } }),
      asking("important", { cpu: "1" }, { spec: { priorityClassName: "high" } }),
    ];
    const count = (parts: Partial<corev1.ResourceQuotaSpec>) => used(quota({ pods: "9" }, parts), { pods })?.["pods"];
    expect(count({ scopes: ["BestEffort"] })).toBe("1");
    expect(count({ scopes: ["NotBestEffort"] })).toBe("2");
    expect(count({ scopes: ["NotBestEffort", "Terminating"] })).toBe("1");
    expect(count({ scopes: ["NotTerminating"] })).toBe("2");
    const within = (operator: "In" | "NotIn" | "Exists" | "DoesNotExist", values?: string[]) =>
      count({
        scopeSelector: {
          matchExpressions: [
            { scopeName: "PriorityClass", operator, ...(values === undefined ? {} : { values }) } as const,
          ],
        },
      });
    expect([within("In", ["high"]), within("NotIn", ["high"]), within("Exists"), within("DoesNotExist")]).toEqual([
      "1",
      "2",
      "1",
      "2",
    ]);
  });

  it("knows what pods need at their most", () => {
    const requests = (cpu: string) => ({ requests: { cpu } });
    const busy = pod("p", {
      spec: {
        containers: [{ name: "main", image: "demo", resources: requests("1") }],
        initContainers: [
          { name: "sidecar", image: "demo", resources: requests("1"), restartPolicy: "Always" },
          { name: "init", image: "demo", resources: requests("4") },
        ],
        overhead: { cpu: "250m" },
      },
    });
    expect(usage("pods", busy)["requests.cpu"]).toBe("5250m");
    const extended = asking("p", { "example.com/gpu": "2", "hugepages-2Mi": "4Mi" });
    expect(usage("pods", extended)).toMatchObject({
      "requests.example.com/gpu": "2",
      "hugepages-2Mi": "4Mi",
      "requests.hugepages-2Mi": "4Mi",
    });
    const deleted = { deletionTimestamp: at(0), deletionGracePeriodSeconds: 30 };
    expect(usage("pods", asking("p", { cpu: "1" }, { metadata: deleted }))).toEqual({ "count/pods": "1" });
  });

  it("counts services, claims and whatever else there is", () => {
    const ports = [{ port: 80 }, { port: 443 }];
    expect(usage("services", { spec: { type: "LoadBalancer", ports } })).toEqual({
      "count/services": "1",
      services: "1",
      "services.nodeports": "2",
      "services.loadbalancers": "1",
    });
    const claim = {
      metadata: meta("c"),
      spec: { storageClassName: "fast", resources: { requests: { storage: "1Gi" } } },
    };
    expect(usage("persistentvolumeclaims", { ...claim, status: { allocatedResources: { storage: "2Gi" } } })).toEqual({
      "count/persistentvolumeclaims": "1",
      persistentvolumeclaims: "1",
      "requests.storage": "2Gi",
      "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
      "fast.storageclass.storage.k8s.io/requests.storage": "2Gi",
    });
    expect(usage("secrets", {})).toEqual({ "count/secrets": "1", secrets: "1" });
    expect(usage("things.example.com", {})).toEqual({ "count/things.example.com": "1" });
  });
});

describe("countedResources", () => {
  it("names what must be watched", () => {
    const names = ["requests.cpu", "count/jobs.batch", "fast.storageclass.storage.k8s.io/requests.storage", "secrets"];
    expect(countedResources(names)).toEqual(["pods", "jobs.batch", "persistentvolumeclaims", "secrets"]);
    expect(countedResources(["count/events"])).toEqual([]);
  });
});
