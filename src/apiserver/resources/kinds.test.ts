import { describe, expect, it } from "vitest";
import { resources, type Resource } from "../../api/index.ts";
import { type Edits, StrategyBench } from "./common/testing.ts";
import { createStrategies } from "./index.ts";

const strategies = createStrategies();
const bench = (resource: Resource, base: object = {}): StrategyBench =>
  new StrategyBench(resource, strategies.for(resource), base);

const labels = { app: "a" };
const POD = { containers: [{ name: "c", image: "i" }] };
const TEMPLATE = { metadata: { labels }, spec: POD };
const SELECTOR = { matchLabels: labels };
const JOB = { template: { spec: { ...POD, restartPolicy: "Never" } } };
const CLAIM = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

/** A valid object of each kind. */
const BASES: readonly (readonly [Resource, object])[] = [
  [resources.namespaces, {}],
  [resources.configmaps, { data: { a: "b" } }],
  [resources.secrets, { data: { a: "Yg==" } }],
  [resources.serviceaccounts, {}],
  [resources.endpoints, { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 1 }] }] }],
  [resources.limitranges, { spec: { limits: [{ type: "Container", max: { cpu: "1" } }] } }],
  [resources.resourcequotas, { spec: { hard: { pods: "1" } } }],
  [resources.nodes, { spec: {}, status: { capacity: { cpu: "1" } } }],
  [
    resources.persistentvolumes,
    { spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/x" } } },
  ],
  [resources.persistentvolumeclaims, { spec: CLAIM }],
  [resources.podtemplates, { template: TEMPLATE }],
  [resources.replicationcontrollers, { spec: { selector: labels, template: TEMPLATE } }],
  [resources.events, { involvedObject: { namespace: "ns" } }],
  [resources.deployments, { spec: { selector: SELECTOR, template: TEMPLATE } }],
  [resources.replicasets, { spec: { selector: SELECTOR, template: TEMPLATE } }],
  [resources.statefulsets, { spec: { selector: SELECTOR, template: TEMPLATE, serviceName: "s" } }],
  [resources.daemonsets, { spec: { selector: SELECTOR, template: TEMPLATE } }],
  [resources.controllerrevisions, { data: {}, revision: 1 }],
  [resources.jobs, { spec: JOB }],
  [resources.cronjobs, { spec: { schedule: "* * * * *", jobTemplate: { spec: JOB } } }],
  [
    resources.horizontalpodautoscalers,
    { spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" } } },
  ],
  [resources.poddisruptionbudgets, { spec: { minAvailable: 1, selector: SELECTOR } }],
  [resources.leases, { spec: { leaseDurationSeconds: 1 } }],
  [resources.endpointslices, { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ port: 1 }] }],
  [resources.ingresses, { spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } } } }],
  [resources.ingressclasses, { spec: { controller: "acme.io/foo" } }],
  [resources.networkpolicies, { spec: { podSelector: {} } }],
  [resources.servicecidrs, { spec: { cidrs: ["10.0.0.0/24"] } }],
  [resources.runtimeclasses, { handler: "h" }],
  [resources.priorityclasses, { value: 1 }],
  [resources.roles, { rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] }],
  [resources.clusterroles, { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] }],
  [resources.rolebindings, { roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r" } }],
  [
    resources.clusterrolebindings,
    { roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "r" } },
  ],
  [resources.storageclasses, { provisioner: "p" }],
  [resources.csidrivers, { spec: {} }],
  [resources.csinodes, { spec: { drivers: [{ name: "d", nodeID: "n" }] } }],
  [resources.csistoragecapacities, { storageClassName: "s" }],
  [resources.volumeattachments, { spec: { attacher: "a", nodeName: "n", source: { persistentVolumeName: "v" } } }],
  [resources.volumeattributesclasses, { driverName: "d", parameters: { a: "b" } }],
];
const base = (resource: Resource): object => BASES.find(([r]) => r === resource)?.[1] ?? {};

describe("every kind", () => {
  it.each(BASES)("$resource accepts a plain object and its unchanged update", async (resource, object) => {
    expect(await bench(resource, object).create()).toEqual([]);
    expect(await bench(resource, object).update({}, { stored: { "metadata.resourceVersion": "1" } })).toEqual([]);
  });

  it.each(BASES.filter(([r]) => r.subresources.some((s) => s.name === "status")))(
    "$resource separates spec and status",
    async (resource, object) => {
      const b = bench(resource, object);
      const old = await b.created();
      const next = await b.updated(old, { "spec.marker": "m", "status.marker": "m" }, "status");
      expect(next["status"]).toMatchObject({ marker: "m" });
      expect(next["spec"]).toEqual(old["spec"]);
      const main = await b.updated(old, { "status.marker": "m" });
      expect(main["status"]).toEqual(old["status"]);
    },
  );

  it.each(BASES)("$resource has a strategy of its own", (resource) => {
    expect(strategies.for(resource)).toBe(strategies.for(resource));
  });
});

describe("create", () => {
  const container = "spec.template.spec.containers";
  it.each<[Resource, string, Edits, string[]]>([
    [
      resources.namespaces,
      "name",
      { "metadata.name": "a.b" },
      ['metadata.name: Invalid value: "a.b": must not contain dots'],
    ],
    [
      resources.configmaps,
      "key",
      { data: { "a b": "" } },
      [
        "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ],
    ],
    [
      resources.configmaps,
      "size",
      { data: { a: "x".repeat(1024 * 1024 + 1) } },
      ["[]: Too long: may not be more than 1048576 bytes"],
    ],
    [
      resources.configmaps,
      "key in both",
      { binaryData: { a: "Yg==" } },
      ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    ],
    [
      resources.secrets,
      "TLS",
      { type: "kubernetes.io/tls" },
      ["data[tls.crt]: Required value", "data[tls.key]: Required value"],
    ],
    [
      resources.secrets,
      "basic auth",
      { type: "kubernetes.io/basic-auth" },
      ["data[username]: Required value", "data[password]: Required value"],
    ],
    [
      resources.secrets,
      "account token",
      { type: "kubernetes.io/service-account-token" },
      ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    ],
    [
      resources.deployments,
      "selector",
      { "spec.selector": { matchLabels: { b: "c" } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ],
    [resources.deployments, "no selector", { "spec.selector": undefined }, ["spec.selector: Required value"]],
    [
      resources.deployments,
      "replicas",
      { "spec.replicas": -1 },
      ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
    ],
    [resources.deployments, "no containers", { [container]: [] }, [`${container}: Required value`]],
    [
      resources.deployments,
      "restart policy",
      { "spec.template.spec.restartPolicy": "Never" },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      resources.deployments,
      "rolling update of nothing",
      { "spec.strategy": { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
      ["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
    ],
    [
      resources.deployments,
      "recreate with rolling update",
      { "spec.strategy": { type: "Recreate", rollingUpdate: {} } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      resources.deployments,
      "deadline",
      { "spec.progressDeadlineSeconds": 5, "spec.minReadySeconds": 5 },
      ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"],
    ],
    [
      resources.statefulsets,
      "policy",
      { "spec.podManagementPolicy": "Wild" },
      ["spec.podManagementPolicy: Invalid value: \"Wild\": must be 'OrderedReady' or 'Parallel'"],
    ],
    [
      resources.daemonsets,
      "both zero",
      { "spec.updateStrategy": { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
      ["spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"],
    ],
    [
      resources.jobs,
      "restart policy",
      { "spec.template.spec.restartPolicy": "Always" },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      resources.jobs,
      "indexed",
      { "spec.completionMode": "Indexed", "spec.parallelism": 2 },
      ["spec.completions: Required value: when completion mode is Indexed"],
    ],
    [
      resources.jobs,
      "per index",
      { "spec.backoffLimitPerIndex": 1 },
      ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
    ],
    [
      resources.cronjobs,
      "schedule",
      { "spec.schedule": "x" },
      ['spec.schedule: Invalid value: "x": expected exactly 5 fields, found 1: [x]'],
    ],
    [
      resources.cronjobs,
      "zone",
      { "spec.timeZone": "Mars/Olympus" },
      ['spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'],
    ],
    [
      resources.cronjobs,
      "zone in schedule",
      { "spec.schedule": "TZ=UTC * * * * *" },
      [
        'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    ],
    [
      resources.horizontalpodautoscalers,
      "replicas",
      { "spec.minReplicas": 3 },
      ["spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`"],
    ],
    [
      resources.horizontalpodautoscalers,
      "metric",
      { "spec.metrics": [{ type: "Resource" }] },
      ["spec.metrics[0].resource: Required value: must populate information for the given metric source"],
    ],
    [
      resources.poddisruptionbudgets,
      "both",
      { "spec.maxUnavailable": "120%", "spec.minAvailable": undefined },
      ['spec.maxUnavailable: Invalid value: "120%": must not be greater than 100%'],
    ],
    [
      resources.endpointslices,
      "loopback",
      { endpoints: [{ addresses: ["127.0.0.1"] }] },
      [
        'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    [
      resources.endpointslices,
      "family",
      { addressType: "IPv6" },
      ['endpoints[0].addresses: Invalid value: "10.0.0.1": must be an IPv6 address'],
    ],
    [
      resources.ingresses,
      "nothing",
      { "spec.defaultBackend": undefined },
      ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
    ],
    [
      resources.ingresses,
      "path",
      {
        "spec.rules": [
          {
            http: {
              paths: [{ path: "x", pathType: "Prefix", backend: { service: { name: "s", port: { number: 80 } } } }],
            },
          },
        ],
      },
      ['spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path'],
    ],
    [
      resources.networkpolicies,
      "peer",
      { "spec.ingress": [{ from: [{}] }] },
      ["spec.ingress[0].from[0]: Required value: must specify a peer"],
    ],
    [
      resources.networkpolicies,
      "except",
      { "spec.egress": [{ to: [{ ipBlock: { cidr: "10.0.0.0/24", except: ["10.0.1.0/28"] } }] }] },
      ['spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "10.0.1.0/28": must be a strict subset of `cidr`'],
    ],
    [
      resources.priorityclasses,
      "too high",
      { value: 1_000_000_001 },
      ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
    ],
    [
      resources.priorityclasses,
      "system",
      { "metadata.name": "system-x" },
      [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class",
      ],
    ],
    [
      resources.roles,
      "URLs",
      { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] },
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
    ],
    [
      resources.roles,
      "empty",
      { rules: [{ verbs: [] }] },
      [
        "rules[0].verbs: Required value: verbs must contain at least one value",
        "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[0].resources: Required value: resource rules must supply at least one resource",
      ],
    ],
    [
      resources.clusterrolebindings,
      "role",
      { "roleRef.kind": "Role" },
      ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
    ],
    [
      resources.rolebindings,
      "subject",
      { subjects: [{ kind: "User", name: "u", apiGroup: "x" }] },
      ['subjects[0].apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"'],
    ],
    [
      resources.leases,
      "duration",
      { "spec.leaseDurationSeconds": 0 },
      ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
    ],
    [
      resources.persistentvolumes,
      "two sources",
      { "spec.nfs": { server: "s", path: "/p" } },
      ["spec.nfs: Forbidden: may not specify more than 1 volume type"],
    ],
    [
      resources.persistentvolumes,
      "local",
      { "spec.hostPath": undefined, "spec.local": { path: "/x" } },
      ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
    ],
    [
      resources.persistentvolumeclaims,
      "no size",
      { "spec.resources": {} },
      ["spec.resources[storage]: Required value"],
    ],
    [
      resources.limitranges,
      "order",
      { "spec.limits": [{ type: "Container", max: { cpu: "1" }, min: { cpu: "2" } }] },
      [
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": min value 2 is greater than default request value 2',
      ],
    ],
    [
      resources.resourcequotas,
      "resource",
      { "spec.hard": { gpus: "1" } },
      [
        'spec.hard[gpus]: Invalid value: "gpus": must be a standard resource type or fully qualified',
        'spec.hard[gpus]: Invalid value: "gpus": must be a standard resource for quota',
      ],
    ],
    [
      resources.resourcequotas,
      "scope",
      { "spec.scopes": ["BestEffort"], "spec.hard": { cpu: "1" } },
      ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    ],
    [
      resources.nodes,
      "taints",
      {
        "spec.taints": [
          { key: "a", effect: "NoSchedule" },
          { key: "a", effect: "NoSchedule" },
        ],
      },
      [
        'metadata.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
      ],
    ],
    [
      resources.storageclasses,
      "mode",
      { volumeBindingMode: "Never" },
      ['volumeBindingMode: Unsupported value: "Never": supported values: "Immediate", "WaitForFirstConsumer"'],
    ],
  ])("$resource: %s", async (resource, _, edits, errors) => {
    const found = await bench(resource, base(resource)).create(edits);
    if (resource === resources.limitranges) expect(found[0]).toBe(errors[0]);
    else expect(found).toEqual(errors);
  });
});

describe("update", () => {
  it.each<[Resource, string, Edits, string[], Edits?]>([
    [
      resources.deployments,
      "selector",
      {
        "spec.selector": { matchLabels: { ...labels, b: "c" } },
        "spec.template.metadata.labels": { ...labels, b: "c" },
      },
      ['spec.selector: Invalid value: {"matchLabels":{"app":"a","b":"c"}}: field is immutable'],
    ],
    [
      resources.statefulsets,
      "service name",
      { "spec.serviceName": "t" },
      [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ],
    ],
    [resources.statefulsets, "replicas", { "spec.replicas": 5 }, []],
    [
      resources.configmaps,
      "immutable",
      { data: { a: "c" } },
      ["data: Forbidden: field is immutable when `immutable` is set"],
      { immutable: true },
    ],
    [
      resources.configmaps,
      "mutable again",
      { immutable: false },
      ["immutable: Forbidden: field is immutable when `immutable` is set"],
      { immutable: true },
    ],
    [resources.secrets, "type", { type: "mine" }, ['type: Invalid value: "mine": field is immutable']],
    [
      resources.jobs,
      "completions",
      { "spec.completions": 5 },
      ["spec.completions: Invalid value: 5: field is immutable"],
    ],
    [
      resources.rolebindings,
      "role",
      { "roleRef.name": "s" },
      [
        'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"s"}: cannot change roleRef',
      ],
    ],
    [resources.priorityclasses, "value", { value: 2 }, ["value: Forbidden: may not be changed in an update."]],
    [
      resources.storageclasses,
      "provisioner",
      { provisioner: "q" },
      ["provisioner: Forbidden: updates to provisioner are forbidden."],
    ],
    [
      resources.nodes,
      "pod network",
      { "spec.podCIDRs": ["10.1.0.0/24"] },
      ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
      { "spec.podCIDRs": ["10.0.0.0/24"] },
    ],
    [
      resources.persistentvolumeclaims,
      "smaller",
      { "spec.resources.requests.storage": "512Mi" },
      ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"],
      { "status.phase": "Bound", "status.capacity": { storage: "1Gi" } },
    ],
    [resources.runtimeclasses, "handler", { handler: "g" }, ['handler: Invalid value: "g": field is immutable']],
  ])("$resource: %s", async (resource, _, edits, errors, stored) => {
    expect(await bench(resource, base(resource)).update(edits, stored ? { stored } : {})).toEqual(errors);
  });

  it.each<[Resource, Edits, number | undefined]>([
    [resources.deployments, { "spec.replicas": 3 }, 2],
    [resources.deployments, { "metadata.annotations": { a: "b" } }, 2],
    [resources.deployments, { "metadata.labels": { a: "b" } }, 1],
    [resources.replicasets, { "metadata.annotations": { a: "b" } }, 1],
    [resources.ingresses, { "spec.ingressClassName": "n" }, 2],
    [resources.endpointslices, { "metadata.labels": { a: "b" } }, 2],
    [resources.configmaps, { data: { a: "c" } }, undefined],
    [resources.nodes, { "spec.unschedulable": true }, undefined],
  ])("generation of $resource after %j: %s", async (resource, edits, generation) => {
    const b = bench(resource, base(resource));
    expect((await b.updated(await b.created(), edits)).metadata["generation"]).toBe(generation);
  });
});

describe("jobs", () => {
  it("are given a selector", async () => {
    const job = await bench(resources.jobs, base(resources.jobs)).created();
    expect(job["spec"]).toMatchObject({
      selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "u" } },
      template: {
        metadata: {
          labels: {
            "batch.kubernetes.io/controller-uid": "u",
            "controller-uid": "u",
            "batch.kubernetes.io/job-name": "x",
            "job-name": "x",
          },
        },
      },
    });
  });

  it("do not come back to life", async () => {
    const stored = {
      "status.conditions": [
        { type: "Failed", status: "True" },
        { type: "FailureTarget", status: "True" },
      ],
      "status.failed": 3,
    };
    const edits = { "status.conditions": [], "status.failed": 2 };
    const found = await bench(resources.jobs, base(resources.jobs)).update(edits, { stored, subresource: "status" });
    expect(found.map((e) => e.replace(/: Invalid value(: null)?/, ""))).toEqual([
      "status.conditions: cannot disable the terminal Failed=True condition",
      "status.conditions: cannot disable the terminal FailureTarget=True condition",
      "status.failed: 2: cannot decrease the failed counter",
    ]);
  });
});

describe("namespaces", () => {
  const b = bench(resources.namespaces);

  it("carry their name and a finalizer", async () => {
    const namespace = await b.created();
    expect(namespace.metadata["labels"]).toEqual({ "kubernetes.io/metadata.name": "x" });
    expect(namespace["spec"]).toEqual({ finalizers: ["kubernetes"] });
    expect(namespace["status"]).toEqual({ phase: "Active" });
  });

  it("lose the finalizer only by finalize", async () => {
    const old = await b.created();
    expect((await b.updated(old, { "spec.finalizers": [] }))["spec"]).toEqual({ finalizers: ["kubernetes"] });
    expect((await b.updated(old, { "spec.finalizers": [] }, "finalize"))["spec"]).toEqual({ finalizers: [] });
  });

  it("terminate only when deleted", async () => {
    expect(await b.update({ "status.phase": "Terminating" }, { subresource: "status" })).toEqual([
      "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
    ]);
  });
});
