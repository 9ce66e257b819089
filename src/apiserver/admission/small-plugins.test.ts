import { describe, expect, it } from "vitest";
import { type Resource, resources } from "../../api/index.ts";
import { testEnv, toPem } from "../../kit/index.ts";
import type { Admission, Authorizer } from "../seams/index.ts";
import { alwaysDeny } from "./always.ts";
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  clusterTrustBundleAttest,
} from "./certificates.ts";
import { persistentVolumeClaimResize } from "./claim-resize.ts";
import { defaultIngressClass, defaultStorageClass } from "./default-classes.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { storageObjectInUseProtection } from "./in-use-protection.ts";
import { namespaceExists } from "./namespace-existence.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { alwaysPullImages, extendedResourceToleration, limitPodHardAntiAffinityTopology } from "./pod-guards.ts";
import { podTopologyLabels } from "./pod-topology-labels.ts";
import { priorityAdmission } from "./priority.ts";
import { runtimeClassAdmission } from "./runtime-class.ts";
import { serviceAccountAdmission } from "./service-account.ts";
import { denyServiceExternalIps } from "./service-external-ips.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";
import { admitWrite, lookupOf, type Write } from "./testing.ts";

const named = (name: string, more: object = {}): object => ({ metadata: { name }, ...more });
const inNamespace = (name: string, more: object = {}): object => ({ metadata: { name, namespace: "ns" }, ...more });
const CONTAINER = { name: "c", image: "i", resources: {} };
const pod = (spec: object = {}, metadata: object = {}): object => ({
  metadata: { name: "p", namespace: "ns", ...metadata },
  spec: { containers: [CONTAINER], ...spec },
});

type Case = readonly [title: string, write: Write, refusal: string | undefined, object?: object];

/** One plugin, and what it does to writes. */
function cases(plugin: Admission, list: readonly Case[]): void {
  for (const [title, write, refusal, object] of list) {
    it(`${plugin.name}: ${title}`, async () => {
      const outcome = await admitWrite(plugin, write);
      expect(outcome.refusal).toBe(refusal);
      if (object) expect(outcome.object).toMatchObject(object);
    });
  }
}

describe("namespaces", () => {
  const lookup = lookupOf(
    [resources.namespaces, named("ns", { status: { phase: "Active" } })],
    [resources.namespaces, named("dying", { status: { phase: "Terminating" } })],
  );
  const lifecycle = namespaceLifecycle(lookup);
  const write = (namespace: string, more: Partial<Write> = {}): Write => ({
    resource: resources.configmaps,
    namespace,
    object: named("c"),
    ...more,
  });
  cases(lifecycle, [
    ["there", write("ns"), undefined],
    ["not there", write("gone"), 'namespaces "gone" not found'],
    ["going", write("dying"), "unable to create new content in namespace dying because it is being terminated"],
    ["updates go on", write("dying", { operation: "UPDATE", oldObject: named("c") }), undefined],
    ["cluster-wide", { resource: resources.nodes, object: named("n") }, undefined],
    ["a new one", { resource: resources.namespaces, namespace: "x", object: named("x") }, undefined],
    ["a review", write("gone", { resource: resources.localsubjectaccessreviews }), undefined],
    [
      "immortal",
      { resource: resources.namespaces, operation: "DELETE", name: "default" },
      "this namespace may not be deleted",
    ],
    ["mortal", { resource: resources.namespaces, operation: "DELETE", name: "ns" }, undefined],
  ]);

  it("tells clients why in a cause", async () => {
    const { status } = await admitWrite(lifecycle, write("dying"));
    expect(status?.details?.causes).toContainEqual({
      reason: "NamespaceTerminating",
      message: "namespace dying is being terminated",
      field: "metadata.namespace",
    });
  });

  cases(namespaceExists(lookup), [
    ["there", write("ns", { operation: "DELETE" }), undefined],
    ["not there", write("gone", { operation: "DELETE" }), 'namespaces "gone" not found'],
  ]);
});

describe("pods", () => {
  const create = (object: object): Write => ({ resource: resources.pods, object });
  const priorities = priorityAdmission(
    lookupOf(
      [resources.priorityclasses, named("low", { value: 1, globalDefault: true, preemptionPolicy: "Never" })],
      [resources.priorityclasses, named("high", { value: 9, preemptionPolicy: "PreemptLowerPriority" })],
    ),
  );
  cases(priorities, [
    [
      "default",
      create(pod()),
      undefined,
      { spec: { priorityClassName: "low", priority: 1, preemptionPolicy: "Never" } },
    ],
    ["named", create(pod({ priorityClassName: "high" })), undefined, { spec: { priority: 9 } }],
    ["unknown", create(pod({ priorityClassName: "x" })), "no PriorityClass with name x was found"],
    [
      "another number",
      create(pod({ priorityClassName: "high", priority: 3 })),
      "the integer value of priority (3) must not be provided in pod spec; priority admission controller computed 9 from the given PriorityClass name",
    ],
    [
      "another policy",
      create(pod({ priorityClassName: "high", preemptionPolicy: "Never" })),
      "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
    ],
    [
      "kept on update",
      { resource: resources.pods, operation: "UPDATE", object: pod(), oldObject: pod({ priority: 5 }) },
      undefined,
      { spec: { priority: 5 } },
    ],
    [
      "second default class",
      { resource: resources.priorityclasses, object: named("x", { value: 2, globalDefault: true }) },
      "PriorityClass low is already marked as default. Only one default can exist",
    ],
    [
      "the default class itself",
      {
        resource: resources.priorityclasses,
        operation: "UPDATE",
        object: named("low", { value: 1, globalDefault: true }),
        oldObject: named("low"),
      },
      undefined,
    ],
  ]);
  cases(priorityAdmission(lookupOf()), [
    ["no class", create(pod()), undefined, { spec: { priority: 0, preemptionPolicy: "PreemptLowerPriority" } }],
  ]);

  const notReady = {
    key: "node.kubernetes.io/not-ready",
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 300,
  };
  const unreachable = { ...notReady, key: "node.kubernetes.io/unreachable" };
  cases(defaultTolerationSeconds(), [
    ["none", create(pod()), undefined, { spec: { tolerations: [notReady, unreachable] } }],
    [
      "one of them",
      create(pod({ tolerations: [{ key: notReady.key, operator: "Exists" }] })),
      undefined,
      { spec: { tolerations: [{ key: notReady.key, operator: "Exists" }, unreachable] } },
    ],
    [
      "all",
      create(pod({ tolerations: [{ operator: "Exists" }] })),
      undefined,
      { spec: { tolerations: [{ operator: "Exists" }] } },
    ],
  ]);

  const runtime = runtimeClassAdmission(
    lookupOf([
      resources.runtimeclasses,
      named("vm", {
        handler: "vm",
        overhead: { podFixed: { cpu: "1" } },
        scheduling: { nodeSelector: { vm: "yes" }, tolerations: [{ key: "vm", operator: "Exists" }] },
      }),
    ]),
  );
  cases(runtime, [
    [
      "a class",
      create(pod({ runtimeClassName: "vm", nodeSelector: { a: "b" } })),
      undefined,
      {
        spec: {
          overhead: { cpu: "1" },
          nodeSelector: { a: "b", vm: "yes" },
          tolerations: [{ key: "vm", operator: "Exists" }],
        },
      },
    ],
    ["unknown", create(pod({ runtimeClassName: "x" })), 'pod rejected: RuntimeClass "x" not found'],
    [
      "another overhead",
      create(pod({ runtimeClassName: "vm", overhead: { cpu: "2" } })),
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [
      "overhead without class",
      create(pod({ overhead: { cpu: "2" } })),
      "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
    ],
    [
      "another selector",
      create(pod({ runtimeClassName: "vm", nodeSelector: { vm: "no" } })),
      "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no",
    ],
  ]);

  const zone = { "topology.kubernetes.io/zone": "z" };
  const topology = podTopologyLabels(
    lookupOf([resources.nodes, { metadata: { name: "n", labels: { ...zone, other: "x" } } }]),
  );
  cases(topology, [
    [
      "on a node",
      create(pod({ nodeName: "n" }, { labels: { a: "b" } })),
      undefined,
      { metadata: { labels: { a: "b", ...zone } } },
    ],
    [
      "binding",
      { resource: resources.pods, subresource: "binding", object: named("p", { target: { kind: "Node", name: "n" } }) },
      undefined,
      { metadata: { labels: zone } },
    ],
  ]);

  cases(alwaysPullImages(), [
    ["any", create(pod()), undefined, { spec: { containers: [{ imagePullPolicy: "Always" }] } }],
    [
      "same images",
      { resource: resources.pods, operation: "UPDATE", object: pod(), oldObject: pod() },
      undefined,
      { spec: { containers: [CONTAINER] } },
    ],
  ]);
  const far = { labelSelector: {}, topologyKey: "zone" };
  cases(limitPodHardAntiAffinityTopology(), [
    [
      "too far",
      create(pod({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [far] } } })),
      "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key kubernetes.io/hostname is allowed",
    ],
  ]);
  cases(extendedResourceToleration(), [
    [
      "a device",
      create(pod({ containers: [{ ...CONTAINER, resources: { requests: { "a.b/gpu": "1" } } }] })),
      undefined,
      { spec: { tolerations: [{ key: "a.b/gpu", operator: "Exists", effect: "NoSchedule" }] } },
    ],
  ]);
  cases(alwaysDeny(), [["anything", create(pod()), "admission control is denying all modifications"]]);
});

describe("service accounts", () => {
  const { clock, random } = testEnv({ seed: 1 });
  const plugin = serviceAccountAdmission(
    lookupOf(
      [resources.serviceaccounts, inNamespace("default", { imagePullSecrets: [{ name: "pull" }] })],
      [resources.serviceaccounts, inNamespace("bare", { automountServiceAccountToken: false })],
      [
        resources.serviceaccounts,
        {
          metadata: {
            name: "strict",
            namespace: "ns",
            annotations: { "kubernetes.io/enforce-mountable-secrets": "true" },
          },
          secrets: [{ name: "mine" }],
        },
      ],
    ),
    clock,
    random,
  );
  const create = (object: object): Write => ({ resource: resources.pods, object });
  const mirror = { annotations: { "kubernetes.io/config.mirror": "x" } };
  const env = (secret: string): object => ({
    containers: [{ ...CONTAINER, env: [{ name: "E", valueFrom: { secretKeyRef: { name: secret, key: "k" } } }] }],
  });

  it("give pods a token", async () => {
    const { object } = await admitWrite(plugin, create(pod()));
    const [volume] = (object["spec"] as { volumes: { name: string; projected: object }[] }).volumes;
    expect(volume?.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    expect(volume?.projected).toEqual({
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { path: "token", expirationSeconds: 3607 } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
    });
    expect(object["spec"]).toMatchObject({
      serviceAccountName: "default",
      imagePullSecrets: [{ name: "pull" }],
      containers: [
        {
          volumeMounts: [
            { name: volume?.name, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
          ],
        },
      ],
    });
  });

  it("give none where it is not wanted", async () => {
    const { object } = await admitWrite(plugin, create(pod({ serviceAccountName: "bare" })));
    expect(object["spec"]).toEqual({ containers: [CONTAINER], serviceAccountName: "bare" });
  });

  const strict = { serviceAccountName: "strict", automountServiceAccountToken: false };
  cases(plugin, [
    [
      "not there",
      create(pod({ serviceAccountName: "x" })),
      'error looking up service account ns/x: serviceaccount "x" not found',
    ],
    ["mirror", create(pod({}, mirror)), undefined, { spec: { containers: [CONTAINER] } }],
    [
      "mirror with account",
      create(pod({ serviceAccountName: "default" }, mirror)),
      "a mirror pod may not reference service accounts",
    ],
    ["mirror with secret", create(pod(env("s"), mirror)), "a mirror pod may not reference secrets"],
    ["a listed secret", create(pod({ ...strict, ...env("mine") })), undefined],
    [
      "another secret",
      create(pod({ ...strict, ...env("s") })),
      'container c with envVar E referencing secret.secretName="s" is not allowed because service account strict does not reference that secret',
    ],
    [
      "another volume",
      create(pod({ ...strict, volumes: [{ name: "v", secret: { secretName: "s" } }] })),
      'volume with secret.secretName="s" is not allowed because service account strict does not reference that secret',
    ],
    [
      "another pull secret",
      create(pod({ ...strict, imagePullSecrets: [{ name: "s" }] })),
      'imagePullSecrets[0].name="s" is not allowed because service account strict does not reference that imagePullSecret',
    ],
    [
      "a secret that comes late",
      {
        resource: resources.pods,
        operation: "UPDATE",
        subresource: "ephemeralcontainers",
        oldObject: pod(strict),
        object: pod({ ...strict, ephemeralContainers: [{ name: "e", envFrom: [{ secretRef: { name: "s" } }] }] }),
      },
      'ephemeral container e with envFrom referencing secret.secretName="s" is not allowed because service account strict does not reference that secret',
    ],
  ]);
});

describe("classes and storage", () => {
  const marked = (name: string, creationTimestamp: string, key: string): object => ({
    metadata: { name, creationTimestamp, annotations: { [key]: "true" } },
  });
  const STORAGE = "storageclass.kubernetes.io/is-default-class";
  const INGRESS = "ingressclass.kubernetes.io/is-default-class";
  const lookup = lookupOf(
    [resources.storageclasses, marked("old", "2026-01-01T00:00:00Z", STORAGE)],
    [resources.storageclasses, marked("new", "2026-01-02T00:00:00Z", STORAGE)],
    [resources.storageclasses, { metadata: { name: "grows" }, allowVolumeExpansion: true }],
    [resources.ingressclasses, marked("b", "2026-01-01T00:00:00Z", INGRESS)],
    [resources.ingressclasses, marked("a", "2026-01-01T00:00:00Z", INGRESS)],
  );
  const claim = (storage: string, spec: object = {}, status: object = {}): object =>
    inNamespace("c", { spec: { resources: { requests: { storage } }, ...spec }, status });
  cases(defaultStorageClass(lookup), [
    [
      "none",
      { resource: resources.persistentvolumeclaims, object: claim("1Gi") },
      undefined,
      { spec: { storageClassName: "new" } },
    ],
    [
      "none on purpose",
      { resource: resources.persistentvolumeclaims, object: claim("1Gi", { storageClassName: "" }) },
      undefined,
      { spec: { storageClassName: "" } },
    ],
  ]);
  cases(defaultIngressClass(lookup), [
    [
      "none",
      { resource: resources.ingresses, object: inNamespace("i", { spec: {} }) },
      undefined,
      { spec: { ingressClassName: "a" } },
    ],
  ]);
  cases(storageObjectInUseProtection(), [
    [
      "a claim",
      { resource: resources.persistentvolumeclaims, object: claim("1Gi") },
      undefined,
      { metadata: { finalizers: ["kubernetes.io/pvc-protection"] } },
    ],
    [
      "a volume that has it",
      {
        resource: resources.persistentvolumes,
        object: { metadata: { name: "v", finalizers: ["kubernetes.io/pv-protection"] } },
      },
      undefined,
      { metadata: { finalizers: ["kubernetes.io/pv-protection"] } },
    ],
  ]);
  const grow = (from: object, to: object): Write => ({
    resource: resources.persistentvolumeclaims,
    operation: "UPDATE",
    oldObject: from,
    object: to,
  });
  const bound = { phase: "Bound" };
  cases(persistentVolumeClaimResize(lookup), [
    ["same size", grow(claim("1Gi"), claim("1024Mi")), undefined],
    ["not bound", grow(claim("1Gi"), claim("2Gi")), "Only bound persistent volume claims can be expanded"],
    [
      "no class",
      grow(claim("1Gi", {}, bound), claim("2Gi", {}, bound)),
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    ],
    [
      "allowed",
      grow(claim("1Gi", { storageClassName: "grows" }, bound), claim("2Gi", { storageClassName: "grows" }, bound)),
      undefined,
    ],
  ]);
  const service = (...externalIPs: string[]): object => inNamespace("s", { spec: { externalIPs } });
  cases(denyServiceExternalIps(), [
    [
      "new",
      { resource: resources.services, object: service("1.2.3.4") },
      "Use of external IPs is denied by admission control",
    ],
    [
      "kept",
      { resource: resources.services, operation: "UPDATE", object: service("1.2.3.4"), oldObject: service("1.2.3.4") },
      undefined,
    ],
  ]);
  cases(taintNodesByCondition(), [
    [
      "a new node",
      { resource: resources.nodes, object: named("n", { spec: {} }) },
      undefined,
      { spec: { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] } },
    ],
  ]);
});

describe("certificates", () => {
  const REQUEST =
    "MIHrMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lzdGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS3tO/RUakEDM75fgOcAZdyn0sIz2nNOTVGLmBR1e2U2feGLrjqVMhB3FYlUVX3j+mO1RBEloq62CrP7OZRaW7moAAwCgYIKoZIzj0EAwIDSAAwRQIgB0gDmyi1SjvwO+tYOmElcOLZ2G9FdXRc+lkE5vKaMwwCIQDAJIDkvahSqBFd7764Sa0Xc6Le4tqAAhmgThv0k3QVHg==";
  const request = (signerName: string, status: object = {}): object =>
    named("r", {
      spec: {
        signerName,
        request: Buffer.from(toPem("CERTIFICATE REQUEST", Buffer.from(REQUEST, "base64"))).toString("base64"),
      },
      status,
    });
  const allows =
    (verb: string, name: string): (() => Authorizer[]) =>
    () => [
      {
        name: "test",
        authorize: (asked) => ({
          decision:
            asked.verb === verb &&
            asked.name === name &&
            asked.resource === "signers" &&
            asked.group === "certificates.k8s.io"
              ? "allow"
              : "no opinion",
        }),
      },
    ];
  const update = (subresource: string, status: object = {}): Write => ({
    resource: resources.certificatesigningrequests,
    operation: "UPDATE",
    subresource,
    oldObject: request("a.b/c"),
    object: request("a.b/c", status),
  });
  cases(certificateApproval(allows("approve", "a.b/*")), [["for the domain", update("approval"), undefined]]);
  cases(certificateApproval(allows("sign", "a.b/c")), [
    ["not allowed", update("approval"), 'user not permitted to approve requests with signerName "a.b/c"'],
  ]);
  cases(certificateSigning(allows("approve", "a.b/c")), [
    ["nothing signed", update("status"), undefined],
    [
      "not allowed",
      update("status", { certificate: "eA==" }),
      'user not permitted to sign requests with signerName "a.b/c"',
    ],
  ]);
  cases(certificateSigning(allows("sign", "a.b/c")), [
    ["allowed", update("status", { certificate: "eA==" }), undefined],
  ]);
  cases(certificateSubjectRestriction(), [
    [
      "other groups",
      { resource: resources.certificatesigningrequests, object: request("kubernetes.io/kube-apiserver-client") },
      undefined,
    ],
    [
      "no request",
      {
        resource: resources.certificatesigningrequests,
        object: named("r", { spec: { signerName: "kubernetes.io/kube-apiserver-client", request: "eA==" } }),
      },
      "failed to parse CSR: PEM block type must be CERTIFICATE REQUEST",
    ],
  ]);
  const bundles = Object.values(resources).find(
    (resource): resource is Resource => (resource as Resource).resource === "clustertrustbundles",
  );
  it.skipIf(!bundles)("ClusterTrustBundleAttest asks for the signer", async () => {
    if (!bundles) return;
    const write = { resource: bundles, object: named("b", { spec: { signerName: "a.b/c" } }) };
    const outcome = await admitWrite(clusterTrustBundleAttest(allows("x", "y")), write);
    expect(outcome.refusal).toBe('user not permitted to attest for signerName "a.b/c"');
  });
});
