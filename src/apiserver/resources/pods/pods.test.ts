import { describe, expect, it } from "vitest";
import { resources } from "../../../api/index.ts";
import { StrategyBench, type Edits } from "../common/testing.ts";
import { createStrategies } from "../index.ts";

const strategy = createStrategies().for(resources.pods);
const bench = (): StrategyBench =>
  new StrategyBench(resources.pods, strategy, {
    spec: { containers: [{ name: "c", image: "i" }], serviceAccountName: "default" },
  });

describe("create", () => {
  it("accepts a plain pod and fills in its status", async () => {
    expect(await bench().create()).toEqual([]);
    const pod = await bench().created({ status: { phase: "Running", podIP: "1.2.3.4" } });
    expect(pod["status"]).toEqual({ phase: "Pending", qosClass: "BestEffort" });
    expect(pod.metadata["generation"]).toBe(1);
  });

  const container = (more: object): Edits => ({ "spec.containers": [{ name: "c", image: "i", ...more }] });
  const cases: [string, Edits, string[]][] = [
    ["no containers", { "spec.containers": [] }, ["spec.containers: Required value"]],
    [
      "container name",
      { "spec.containers.0.name": "A_b" },
      [
        "spec.containers[0].name: Invalid value: \"A_b\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    ["no image", { "spec.containers.0.image": undefined }, ["spec.containers[0].image: Required value"]],
    [
      "image spaces",
      { "spec.containers.0.image": " i" },
      ['spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace'],
    ],
    [
      "same names",
      {
        "spec.containers": [
          { name: "c", image: "i" },
          { name: "c", image: "i" },
        ],
      },
      ['spec.containers[1].name: Duplicate value: "c"'],
    ],
    [
      "init container of a main one's name",
      { "spec.initContainers": [{ name: "c", image: "i" }] },
      ['spec.initContainers[0].name: Duplicate value: "c"'],
    ],
    [
      "port",
      container({
        ports: [
          { containerPort: 70000, name: "web" },
          { containerPort: 1, name: "web" },
        ],
      }),
      [
        "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        'spec.containers[0].ports[1].name: Duplicate value: "web"',
      ],
    ],
    [
      "same host port",
      container({
        ports: [
          { containerPort: 1, hostPort: 5 },
          { containerPort: 2, hostPort: 5 },
        ],
      }),
      ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//5"'],
    ],
    [
      "host network",
      { ...container({ ports: [{ containerPort: 1, hostPort: 5 }] }), "spec.hostNetwork": true },
      ["spec.containers[0].ports[0].hostPort: Invalid value: 5: must match `containerPort` when `hostNetwork` is true"],
    ],
    [
      "env sources",
      container({ env: [{ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] }),
      ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ],
    [
      "env field",
      container({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.x" } } }] }),
      [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x',
      ],
    ],
    [
      "env field unsupported here",
      container({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "status.phase" } } }] }),
      [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
      ],
    ],
    [
      "envFrom",
      container({ envFrom: [{}] }),
      ['spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
    ],
    [
      "mount of nothing",
      container({ volumeMounts: [{ name: "v", mountPath: "/x" }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      "mount path twice",
      {
        ...container({
          volumeMounts: [
            { name: "v", mountPath: "/x" },
            { name: "v", mountPath: "/x", subPath: "../y" },
          ],
        }),
        "spec.volumes": [{ name: "v", emptyDir: {} }],
      },
      [
        'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
        "spec.containers[0].volumeMounts.subPath: Invalid value: \"../y\": must not contain '..'",
      ],
    ],
    [
      "two kinds of volume",
      { "spec.volumes": [{ name: "v", emptyDir: {}, hostPath: { path: "/x" } }] },
      ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    ],
    [
      "secret volume",
      { "spec.volumes": [{ name: "v", secret: {} }] },
      ["spec.volumes[0].secret.secretName: Required value"],
    ],
    [
      "file mode",
      { "spec.volumes": [{ name: "v", configMap: { name: "m", defaultMode: 512 } }] },
      [
        "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
      ],
    ],
    [
      "token",
      {
        "spec.volumes": [
          { name: "v", projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 5 } }] } },
        ],
      },
      [
        "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
      ],
    ],
    [
      "probe without a handler",
      container({ livenessProbe: { successThreshold: 2 } }),
      [
        "spec.containers[0].livenessProbe: Required value: must specify a handler type",
        "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
      ],
    ],
    [
      "two handlers",
      container({ readinessProbe: { exec: { command: ["x"] }, tcpSocket: { port: "UP" } } }),
      ["spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
    ],
    [
      "request above limit",
      container({ resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }),
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      "negative amount",
      container({ resources: { limits: { cpu: "-1" } } }),
      [
        'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      "unknown resource",
      container({ resources: { requests: { gpu: "1" } } }),
      [
        'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
      ],
    ],
    [
      "extended resource",
      container({ resources: { requests: { "example.com/gpu": "1" } } }),
      ["spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources"],
    ],
    [
      "restart policy",
      { "spec.restartPolicy": "Sometimes" },
      ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      "DNS",
      { "spec.dnsPolicy": "None" },
      ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    ],
    [
      "toleration",
      { "spec.tolerations": [{ operator: "Equal", effect: "NoSchedule", tolerationSeconds: 1 }] },
      [
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
        "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
      ],
    ],
    [
      "node affinity",
      {
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution": {
          nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "In" }] }],
        },
      },
      [
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      ],
    ],
    [
      "spread",
      {
        "spec.topologySpreadConstraints": [
          { maxSkew: 0, topologyKey: "z", whenUnsatisfiable: "ScheduleAnyway", minDomains: 2, labelSelector: {} },
        ],
      },
      [
        "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        "spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
      ],
    ],
    [
      "localhost seccomp without a profile",
      { "spec.securityContext": { seccompProfile: { type: "Localhost" } } },
      [
        "spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
      ],
    ],
    [
      "escalation",
      container({ securityContext: { allowPrivilegeEscalation: false, privileged: true } }),
      [
        'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      ],
    ],
    [
      "ephemeral containers",
      { "spec.ephemeralContainers": [{ name: "e", image: "i" }] },
      ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ],
    [
      "gated on a node",
      { "spec.nodeName": "n", "spec.schedulingGates": [{ name: "a/b" }] },
      ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ],
    [
      "init container probes",
      { "spec.initContainers": [{ name: "i", image: "i", livenessProbe: { exec: { command: ["x"] } } }] },
      [
        "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
      ],
    ],
    [
      "deadline",
      { "spec.activeDeadlineSeconds": 0 },
      ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
    ],
    [
      "OS",
      { "spec.os": { name: "plan9" } },
      ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'],
    ],
    [
      "bare finalizer",
      { "metadata.finalizers": ["mine"] },
      [
        'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
      ],
    ],
    [
      "unsafe sysctl",
      {
        "spec.hostNetwork": true,
        "spec.securityContext": { sysctls: [{ name: "net.ipv4.tcp_syncookies", value: "1" }] },
      },
      [
        "spec.securityContext.sysctls[0].name: Invalid value: \"net.ipv4.tcp_syncookies\": may not be specified when 'hostNetwork' is true",
      ],
    ],
  ];
  it.each(cases)("refuses: %s", async (_, edits, errors) => expect(await bench().create(edits)).toEqual(errors));

  it("says that gated pods wait", async () => {
    const pod = await bench().created({ "spec.schedulingGates": [{ name: "a/b" }] });
    expect(pod["status"]).toMatchObject({
      conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
    });
  });

  it("merges label keys into selectors", async () => {
    const pod = await bench().created({
      "metadata.labels": { app: "a" },
      "spec.topologySpreadConstraints": [
        {
          maxSkew: 1,
          topologyKey: "z",
          whenUnsatisfiable: "DoNotSchedule",
          matchLabelKeys: ["app"],
          labelSelector: {},
        },
      ],
    });
    expect(pod["spec"]).toMatchObject({
      topologySpreadConstraints: [
        { labelSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["a"] }] } },
      ],
    });
  });

  it("drops what alpha gates would allow", async () => {
    const pod = await bench().created({ "spec.workloadRef": { name: "w", podGroup: "g" } });
    expect(pod["spec"]).not.toHaveProperty("workloadRef");
  });

  it.each([
    [{}, "BestEffort"],
    [{ requests: { cpu: "1" } }, "Burstable"],
    [{ limits: { cpu: "1", memory: "1Gi" } }, "Guaranteed"],
    [{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } }, "Burstable"],
  ])("quality of service of %j: %s", async (resourceList, qosClass) => {
    const pod = await bench().created(container({ resources: resourceList }));
    expect(pod["status"]).toMatchObject({ qosClass });
  });
});

describe("update", () => {
  const other =
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";
  const firstLines = async (edits: Edits, stored: Edits = {}): Promise<string[]> =>
    (await bench().update(edits, { stored })).map((e) => (e.startsWith(other) ? "OTHER" : e));

  it.each<[string, Edits, string[], Edits?]>([
    ["image", { "spec.containers.0.image": "j" }, []],
    ["labels", { "metadata.labels": { a: "b" } }, []],
    ["command", { "spec.containers.0.command": ["x"] }, ["OTHER"]],
    ["node", { "spec.nodeName": "n" }, ["OTHER"]],
    ["no image", { "spec.containers.0.image": "" }, ["spec.containers[0].image: Required value"]],
    [
      "containers",
      { "spec.containers": [] },
      ["spec.containers: Required value", "spec.containers: Forbidden: pod updates may not add or remove containers"],
    ],
    ["new toleration", { "spec.tolerations": [{ key: "k", operator: "Exists" }] }, []],
    [
      "changed toleration",
      { "spec.tolerations": [] },
      ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"],
      { "spec.tolerations": [{ key: "k", operator: "Exists" }] },
    ],
    [
      "later deadline",
      { "spec.activeDeadlineSeconds": 9 },
      ["spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value"],
      { "spec.activeDeadlineSeconds": 5 },
    ],
    ["first deadline", { "spec.activeDeadlineSeconds": 9 }, []],
    [
      "new gate",
      { "spec.schedulingGates": [{ name: "a/b" }] },
      ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a/b'"],
    ],
    ["gated node selector", { "spec.nodeSelector": { a: "b" } }, [], { "spec.schedulingGates": [{ name: "a/b" }] }],
    ["node selector", { "spec.nodeSelector": { a: "b" } }, ["OTHER"]],
  ])("%s", async (_, edits, errors, stored) => {
    const found = await firstLines(edits, stored);
    expect([...new Set(found)].toSorted()).toEqual(errors.toSorted());
  });

  it("counts generations of the spec only", async () => {
    const old = await bench().created();
    expect((await bench().updated(old, { "metadata.labels": { a: "b" } })).metadata["generation"]).toBe(1);
    expect((await bench().updated(old, { "spec.containers.0.image": "j" })).metadata["generation"]).toBe(2);
  });

  it("keeps the status", async () => {
    const old = await bench().created();
    const pod = await bench().updated(old, { "status.phase": "Running" });
    expect(pod["status"]).toMatchObject({ phase: "Pending" });
  });
});

describe("status", () => {
  it("changes the status alone", async () => {
    const old = await bench().created();
    const pod = await bench().updated(old, { "status.phase": "Running", "spec.nodeName": "n" }, "status");
    expect(pod["status"]).toMatchObject({ phase: "Running", qosClass: "BestEffort" });
    expect(pod["spec"]).not.toHaveProperty("nodeName");
    expect(pod.metadata["generation"]).toBe(1);
  });

  it.each<[string, Edits, string[], Edits?]>([
    ["fine", { "status.podIP": "10.0.0.1", "status.podIPs": [{ ip: "10.0.0.1" }] }, []],
    [
      "quality of service",
      { "status.qosClass": "Burstable" },
      ['status.qosClass: Invalid value: "Burstable": field is immutable'],
    ],
    [
      "two IPv4 addresses",
      { "status.podIPs": [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }] },
      [
        'status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: may specify no more than one IP for each IP family',
      ],
    ],
    [
      "a revived container",
      { "status.containerStatuses": [{ name: "c", state: { running: {} } }] },
      ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"],
      {
        "spec.restartPolicy": "Never",
        "status.containerStatuses": [{ name: "c", state: { terminated: { exitCode: 0 } } }],
      },
    ],
  ])("%s", async (_, edits, errors, stored) => {
    expect(await bench().update(edits, { subresource: "status", ...(stored && { stored }) })).toEqual(errors);
  });
});

describe("ephemeral containers and resize", () => {
  const ephemeral = { name: "e", image: "i", terminationMessagePolicy: "File", imagePullPolicy: "Always" };

  it("adds ephemeral containers and nothing else", async () => {
    const old = await bench().created();
    const edits = { "spec.ephemeralContainers": [ephemeral], "spec.containers.0.image": "j" };
    const pod = await bench().updated(old, edits, "ephemeralcontainers");
    expect(pod["spec"]).toMatchObject({ containers: [{ image: "i" }], ephemeralContainers: [{ name: "e" }] });
    expect(pod.metadata["generation"]).toBe(2);
    expect(await bench().update(edits, { subresource: "ephemeralcontainers" })).toEqual([]);
  });

  it("does not take them away", async () => {
    const stored = { "spec.ephemeralContainers": [ephemeral] };
    expect(
      await bench().update({ "spec.ephemeralContainers": [] }, { stored, subresource: "ephemeralcontainers" }),
    ).toEqual(['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n']);
  });

  it.each<[string, Edits, string[]]>([
    ["more CPU", { "spec.containers.0.resources": { requests: { cpu: "2", memory: "1Gi" } } }, []],
    [
      "no memory any more",
      { "spec.containers.0.resources": { requests: { cpu: "2" } } },
      ["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"],
    ],
    [
      "another class",
      { "spec.containers.0.resources": { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1", memory: "1Gi" } } },
      ['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'],
    ],
    [
      "storage",
      { "spec.containers.0.resources": { requests: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" } } },
      ["spec: Forbidden: only cpu and memory resources are mutable"],
    ],
  ])("resize: %s", async (_, edits, errors) => {
    const stored = {
      "spec.containers.0.resources": { requests: { cpu: "1", memory: "1Gi" } },
      "status.qosClass": "Burstable",
    };
    expect(await bench().update(edits, { stored, subresource: "resize" })).toEqual(errors);
  });
});

describe("graceful deletion", () => {
  it.each<[string, Edits, number | undefined, number]>([
    ["unscheduled", {}, undefined, 0],
    ["as the pod says", { "spec.nodeName": "n" }, undefined, 30],
    ["as asked", { "spec.nodeName": "n" }, 5, 5],
    ["negative", { "spec.nodeName": "n" }, -1, 1],
    ["ended", { "spec.nodeName": "n", "status.phase": "Succeeded" }, undefined, 0],
  ])("%s", (_, edits, requested, seconds) => {
    expect(strategy.gracefulDelete?.(bench().object(edits), requested)).toBe(seconds);
  });
});
