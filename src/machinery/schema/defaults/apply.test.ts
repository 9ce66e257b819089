import { describe, expect, it } from "vitest";
import { defaultRules } from "../../../api/index.ts";
import { normalize } from "../normalize.ts";
import { typeTable } from "../type-table.ts";
import { applyDefaults } from "./apply.ts";

const spec = (object: unknown): Record<string, unknown> => (object as { spec: Record<string, unknown> }).spec;
const of = (apiVersion: string, kind: string, body: object): object => ({
  apiVersion,
  kind,
  metadata: { name: "x" },
  ...body,
});

describe("applyDefaults", () => {
  it("knows every rule of the facts, and every type they name", () => {
    const { types, markers } = defaultRules();
    for (const name of Object.keys(types)) {
      if (name === "core.v1.ResourceList") continue;
      expect(typeTable(name), name).toBeDefined();
      expect(() => applyDefaults({}, { type: name }), name).not.toThrow();
    }
    for (const marker of Object.keys(markers)) {
      const at = marker.lastIndexOf(".");
      expect(typeTable(marker.slice(0, at))?.byName.has(marker.slice(at + 1)), marker).toBe(true);
    }
  });

  it("fills a Pod, and does nothing the second time", () => {
    const pod = of("v1", "Pod", {
      spec: {
        containers: [
          {
            name: "a",
            image: "nginx",
            ports: [{ containerPort: 80 }],
            resources: { limits: { cpu: "100u", memory: "1Gi" } },
          },
          { name: "b", image: "nginx:1.27", resources: { limits: { cpu: "1" }, requests: { cpu: "500m" } } },
        ],
        volumes: [
          { name: "v" },
          { name: "c", configMap: { name: "m" } },
          { name: "s", emptyDir: { medium: "Memory" } },
        ],
      },
    });
    applyDefaults(pod);
    expect(spec(pod)).toMatchObject({
      containers: [
        {
          imagePullPolicy: "Always",
          ports: [{ protocol: "TCP" }],
          resources: { limits: { cpu: "1m" }, requests: { cpu: "1m", memory: "1Gi" } },
        },
        { imagePullPolicy: "IfNotPresent", resources: { requests: { cpu: "500m" } } },
      ],
      volumes: [{ emptyDir: {} }, { configMap: { defaultMode: 420 } }, { emptyDir: { medium: "Memory" } }],
      dnsPolicy: "ClusterFirst",
      restartPolicy: "Always",
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      schedulerName: "default-scheduler",
      enableServiceLinks: true,
    });
    expect(spec(pod)).not.toHaveProperty("volumes.1.emptyDir");
    const again = structuredClone(pod);
    expect(applyDefaults(again)).toEqual(pod);
  });

  it("keeps what was set to zero on purpose, where Go can tell", () => {
    const deployment = of("apps/v1", "Deployment", { spec: { replicas: 0, revisionHistoryLimit: 0 } });
    expect(spec(applyDefaults(deployment))).toMatchObject({
      replicas: 0,
      revisionHistoryLimit: 0,
      progressDeadlineSeconds: 600,
    });
  });

  it.each([
    [
      "RollingUpdate is filled",
      {},
      { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    ],
    ["Recreate is not", { strategy: { type: "Recreate" } }, { type: "Recreate" }],
    [
      "parts are",
      { strategy: { rollingUpdate: { maxSurge: 1 } } },
      { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: "25%" } },
    ],
  ])("Deployment strategy: %s", (_, given, strategy) => {
    expect(spec(applyDefaults(of("apps/v1", "Deployment", { spec: given })))["strategy"]).toEqual(strategy);
  });

  it.each([
    ["type unset", {}, { type: "RollingUpdate", rollingUpdate: { partition: 0, maxUnavailable: 1 } }],
    ["type given", { updateStrategy: { type: "RollingUpdate" } }, { type: "RollingUpdate" }],
    ["OnDelete", { updateStrategy: { type: "OnDelete" } }, { type: "OnDelete" }],
  ])("StatefulSet update strategy: %s", (_, given, strategy) => {
    expect(spec(applyDefaults(of("apps/v1", "StatefulSet", { spec: given })))["updateStrategy"]).toEqual(strategy);
  });

  it.each([
    [
      { ports: [{ port: 80 }] },
      { type: "ClusterIP", sessionAffinity: "None", ports: [{ port: 80, targetPort: 80, protocol: "TCP" }] },
    ],
    [{ type: "LoadBalancer" }, { externalTrafficPolicy: "Cluster", allocateLoadBalancerNodePorts: true }],
    [{ type: "ClusterIP", externalIPs: ["1.2.3.4"] }, { externalTrafficPolicy: "Cluster" }],
    [{ sessionAffinity: "ClientIP" }, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } }],
    [{ type: "ExternalName", externalName: "x" }, { type: "ExternalName" }],
  ])("Service %j", (given, filled) => {
    const service = applyDefaults(of("v1", "Service", { spec: given }));
    expect(spec(service)).toMatchObject(filled);
    if ("externalName" in given) expect(spec(service)).not.toHaveProperty("internalTrafficPolicy");
  });

  it("drops a session affinity that nobody asked for", () => {
    const given = { sessionAffinity: "None", sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } };
    expect(spec(applyDefaults(of("v1", "Service", { spec: given })))).not.toHaveProperty("sessionAffinityConfig");
  });

  it("asks gates and the clock", () => {
    const job = (): object => of("batch/v1", "Job", { spec: { template: { metadata: { labels: { a: "b" } } } } });
    expect(spec(applyDefaults(job()))).toMatchObject({ podReplacementPolicy: "TerminatingOrFailed", completions: 1 });
    expect(spec(applyDefaults(job(), { gate: () => false }))).not.toHaveProperty("podReplacementPolicy");
    const taint = { key: "k", effect: "NoSchedule" };
    expect(applyDefaults({ ...taint }, { type: "resource.v1.DeviceTaint", now: 0 })).toEqual({
      ...taint,
      timeAdded: "1970-01-01T00:00:00Z",
    });
    expect(applyDefaults({ ...taint }, { type: "resource.v1.DeviceTaint" })).toEqual(taint);
  });

  it("sums pod-level requests from the containers", () => {
    const pod = of("v1", "Pod", {
      spec: {
        resources: { limits: { cpu: "4", memory: "1Gi" } },
        initContainers: [
          { name: "side", restartPolicy: "Always", resources: { requests: { cpu: "100m" } } },
          { name: "init", resources: { requests: { cpu: "900m" } } },
        ],
        containers: [{ name: "a", resources: { requests: { cpu: "250m" } } }],
      },
    });
    expect(spec(applyDefaults(pod))["resources"]).toEqual({
      limits: { cpu: "4", memory: "1Gi" },
      requests: { cpu: "1", memory: "1Gi" },
    });
  });

  it("labels namespaces, and fills containers' limit ranges", () => {
    expect(applyDefaults(of("v1", "Namespace", {}))).toMatchObject({
      metadata: { labels: { "kubernetes.io/metadata.name": "x" } },
      status: { phase: "Active" },
    });
    const range = { type: "Container", max: { cpu: "2" }, min: { memory: "1Mi" } };
    expect(spec(applyDefaults(of("v1", "LimitRange", { spec: { limits: [range] } })))["limits"]).toEqual([
      { ...range, default: { cpu: "2" }, defaultRequest: { cpu: "2", memory: "1Mi" } },
    ]);
  });

  it("leaves custom resources and lists of them alone", () => {
    const custom = of("example.com/v1", "Foo", { spec: {} });
    expect(applyDefaults(structuredClone(custom))).toEqual(custom);
  });

  it("prints what Go prints", () => {
    const set = normalize(applyDefaults(of("apps/v1", "StatefulSet", { spec: { serviceName: "" } })));
    expect(JSON.stringify(set)).toBe(
      '{"kind":"StatefulSet","apiVersion":"apps/v1","metadata":{"name":"x"},"spec":{"replicas":1,"selector":null,' +
        '"template":{"metadata":{},"spec":{"containers":null,"restartPolicy":"Always","terminationGracePeriodSeconds":30,' +
        '"dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler"}},"serviceName":"",' +
        '"podManagementPolicy":"OrderedReady","updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":0,"maxUnavailable":1}},' +
        '"revisionHistoryLimit":10,"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Retain","whenScaled":"Retain"}},' +
        '"status":{"replicas":0,"availableReplicas":0}}',
    );
  });
});
