import { describe, expect, it } from "vitest";
import { resources } from "../../../api/index.ts";
import { admitWrite, lookupOf, type Write } from "../testing.ts";
import { nodeRestriction } from "./index.ts";

const user = { name: "system:node:n1", groups: ["system:nodes"] };
const stored = (name: string, nodeName: string, spec: object = {}): object => ({
  metadata: { name, namespace: "ns", uid: `${name}-uid` },
  spec: { nodeName, containers: [], ...spec },
  status: {},
});
const token = { name: "t", projected: { sources: [{ serviceAccountToken: { path: "x", audience: "vault" } }] } };
const lookup = lookupOf(
  [resources.nodes, { metadata: { name: "n1", uid: "n1-uid" } }],
  [resources.pods, stored("mine", "n1", { volumes: [token, { name: "v", csi: { driver: "d" } }] })],
  [resources.pods, stored("other", "n2")],
  [resources.csidrivers, { metadata: { name: "d" }, spec: { tokenRequests: [{ audience: "csi" }] } }],
);
const plugin = nodeRestriction({ lookup, authorizers: () => [] });

const owner = { apiVersion: "v1", kind: "Node", name: "n1", uid: "n1-uid", controller: true };
const mirror = (metadata: object = {}, spec: object = {}): object => ({
  metadata: {
    name: "m",
    namespace: "ns",
    annotations: { "kubernetes.io/config.mirror": "x" },
    ownerReferences: [owner],
    ...metadata,
  },
  spec: { nodeName: "n1", containers: [], ...spec },
});
const node = (metadata: object = {}, spec: object = {}): object => ({ metadata: { name: "n1", ...metadata }, spec });
const update = (resource: Write["resource"], oldObject: object, object: object, subresource = ""): Write => ({
  resource,
  operation: "UPDATE",
  subresource,
  oldObject,
  object,
});
const request = (ref: object | undefined, audiences?: string[]): Write => ({
  resource: resources.serviceaccounts,
  subresource: "token",
  name: "sa",
  object: { spec: { ...(ref && { boundObjectRef: ref }), ...(audiences && { audiences }) } },
});
const bound = (name: string): object => ({ apiVersion: "v1", kind: "Pod", name, uid: `${name}-uid` });
const claim = (status: object, spec: object = {}): object => ({ metadata: { name: "c" }, spec, status });

describe("a kubelet", () => {
  it.each<[string, Write, string | undefined]>([
    ["mirrors pods", { resource: resources.pods, object: mirror() }, undefined],
    [
      "makes no other pods",
      { resource: resources.pods, object: mirror({ annotations: {} }) },
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
    [
      "makes none for others",
      { resource: resources.pods, object: mirror({}, { nodeName: "n2" }) },
      'node "n1" can only create pods with spec.nodeName set to itself',
    ],
    [
      "owns its mirrors",
      { resource: resources.pods, object: mirror({ ownerReferences: [] }) },
      'node "n1" can only create pods with an owner reference set to itself',
    ],
    [
      "is their controller",
      { resource: resources.pods, object: mirror({ ownerReferences: [{ ...owner, controller: false }] }) },
      'node "n1" can only create pods with a controller owner reference set to itself',
    ],
    [
      "is not another node of its name",
      { resource: resources.pods, object: mirror({ ownerReferences: [{ ...owner, uid: "x" }] }) },
      "node n1 UID mismatch: expected x got n1-uid",
    ],
    [
      "gets at no secrets by pods",
      { resource: resources.pods, object: mirror({}, { imagePullSecrets: [{ name: "s" }] }) },
      'node "n1" can not create pods that reference secrets',
    ],
    [
      "gets at no claims by pods",
      {
        resource: resources.pods,
        object: mirror({}, { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] }),
      },
      'node "n1" can not create pods that reference persistentvolumeclaims',
    ],
    ["deletes its pods", { resource: resources.pods, operation: "DELETE", name: "mine" }, undefined],
    [
      "deletes no others",
      { resource: resources.pods, operation: "DELETE", name: "other" },
      'node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    ["reports on its pods", update(resources.pods, stored("mine", "n1"), stored("mine", "n1"), "status"), undefined],
    [
      "reports on no others",
      update(resources.pods, stored("other", "n2"), stored("other", "n2"), "status"),
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      "labels no pods",
      update(
        resources.pods,
        stored("mine", "n1"),
        { ...stored("mine", "n1"), metadata: { name: "mine", labels: { a: "b" } } },
        "status",
      ),
      'node "n1" cannot update labels through pod status',
    ],
    [
      "evicts no others",
      { resource: resources.pods, subresource: "eviction", name: "other", object: {} },
      "node n1 can only evict pods with spec.nodeName set to itself",
    ],
    [
      "resizes nothing",
      update(resources.pods, stored("mine", "n1"), stored("mine", "n1"), "resize"),
      `unexpected pod subresource "resize", only 'status' and 'eviction' are allowed`,
    ],
    ["registers", { resource: resources.nodes, object: node({ labels: { "kubernetes.io/os": "linux" } }) }, undefined],
    [
      "is one node only",
      { resource: resources.nodes, object: node({ name: "n2" }) },
      'node "n1" is not allowed to modify node "n2"',
    ],
    [
      "chooses no role",
      { resource: resources.nodes, object: node({ labels: { "node-role.kubernetes.io/x": "", a: "b" } }) },
      'node "n1" is not allowed to set the following labels: node-role.kubernetes.io/x',
    ],
    [
      "changes no restricted labels",
      update(resources.nodes, node({ labels: { "node-restriction.kubernetes.io/x": "1" } }), node()),
      "is not allowed to modify labels: node-restriction.kubernetes.io/x",
    ],
    [
      "takes off no taints",
      update(resources.nodes, node({}, { taints: [{ key: "a", effect: "NoExecute" }] }), node()),
      'node "n1" is not allowed to modify taints',
    ],
    [
      "changes claims by status only",
      update(resources.persistentvolumeclaims, claim({}), claim({})),
      "may only update PVC status",
    ],
    [
      "reports growth",
      update(resources.persistentvolumeclaims, claim({}), claim({ capacity: { storage: "1Gi" } }), "status"),
      undefined,
    ],
    ["gets tokens for its pods", request(bound("mine"), ["vault"]), undefined],
    ["gets tokens for drivers", request(bound("mine"), ["csi"]), undefined],
    [
      "gets none for other audiences",
      request(bound("mine"), ["x"]),
      'audience "x" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience',
    ],
    ["gets none without a pod", request(undefined), "node requested token not bound to a pod"],
    [
      "gets none for other pods",
      request(bound("other")),
      "node requested token bound to a pod scheduled on a different node",
    ],
    ["makes other objects", { resource: resources.events, object: { metadata: { name: "e" } } }, undefined],
    [
      "holds its own lease",
      { resource: resources.leases, namespace: "kube-node-lease", object: { metadata: { name: "n1" } } },
      undefined,
    ],
    [
      "holds no other lease",
      { resource: resources.leases, namespace: "kube-node-lease", object: { metadata: { name: "n2" } } },
      "can only access node lease with the same name as the requesting node",
    ],
    [
      "holds no lease elsewhere",
      { resource: resources.leases, object: { metadata: { name: "n1" } } },
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [
      "has one CSINode",
      { resource: resources.csinodes, object: { metadata: { name: "n2" } } },
      "can only access CSINode with the same name as the requesting node",
    ],
    [
      "offers its own devices",
      { resource: resources.resourceslices, object: { metadata: { name: "s" }, spec: { nodeName: "n2" } } },
      "can only create ResourceSlice with the same NodeName as the requesting node",
    ],
    [
      "asks for its own certificate",
      {
        resource: resources.certificatesigningrequests,
        object: { metadata: { name: "c" }, spec: { signerName: "kubernetes.io/kubelet-serving", request: "eA==" } },
      },
      "unable to parse csr: PEM block type must be CERTIFICATE REQUEST",
    ],
  ])("%s", async (_, write, refusal) => {
    expect((await admitWrite(plugin, { user, ...write })).refusal).toBe(refusal);
  });

  it("needs a name", async () => {
    const nobody = { name: "system:node:", groups: ["system:nodes"] };
    const outcome = await admitWrite(plugin, { resource: resources.nodes, object: node(), user: nobody });
    expect(outcome.refusal).toBe('could not determine node from user "system:node:"');
  });

  it("is not everybody with such a name", async () => {
    const impostor = { name: "system:node:n1", groups: [] };
    const write = { resource: resources.pods, object: mirror({ annotations: {} }), user: impostor };
    expect((await admitWrite(plugin, write)).refusal).toBeUndefined();
  });
});
