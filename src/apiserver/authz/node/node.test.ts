import { describe, expect, it } from "vitest";
import { resources } from "../../../api/index.ts";
import type { Attributes } from "../../seams/index.ts";
import { fixedInformers } from "../testing.ts";
import { nodeAuthorizer } from "./authorizer.ts";
import { liveNodeRelations } from "./relations.ts";

const MIRROR = { "kubernetes.io/config.mirror": "x" };
const pod = (name: string, nodeName: string, spec: object = {}, more: object = {}, annotations = {}): object => ({
  metadata: { name, namespace: "ns", annotations },
  spec: { nodeName, containers: [], ...spec },
  status: {},
  ...more,
});
const volumes = (...list: object[]): object => ({ volumes: list.map((volume, i) => ({ name: `v${i}`, ...volume })) });
const relations = liveNodeRelations(
  fixedInformers(
    [
      resources.pods,
      pod(
        "a",
        "n1",
        {
          serviceAccountName: "sa",
          imagePullSecrets: [{ name: "pull" }],
          containers: [{ name: "c", env: [{ name: "E", valueFrom: { configMapKeyRef: { name: "env", key: "k" } } }] }],
          ...volumes(
            { secret: { secretName: "mounted" } },
            { persistentVolumeClaim: { claimName: "claim" } },
            { ephemeral: {} },
            { projected: { sources: [{ configMap: { name: "projected" } }] } },
          ),
          resourceClaims: [
            { name: "gpu", resourceClaimTemplateName: "t" },
            { name: "nic", resourceClaimName: "nic" },
          ],
        },
        { status: { resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "a-gpu" }] } },
      ),
    ],
    [resources.pods, pod("b", "n2", { imagePullSecrets: [{ name: "other" }] })],
    [resources.pods, pod("m", "n1", { imagePullSecrets: [{ name: "mirrored" }] }, {}, MIRROR)],
    [
      resources.persistentvolumes,
      {
        metadata: { name: "pv" },
        spec: {
          claimRef: { namespace: "ns", name: "claim" },
          csi: {
            nodePublishSecretRef: { namespace: "vault", name: "publish" },
            controllerPublishSecretRef: { namespace: "vault", name: "controller" },
          },
        },
      },
    ],
    [resources.volumeattachments, { metadata: { name: "va1" }, spec: { nodeName: "n1" } }],
    [resources.volumeattachments, { metadata: { name: "va2" }, spec: { nodeName: "n2" } }],
    [resources.resourceslices, { metadata: { name: "s1" }, spec: { nodeName: "n1" } }],
  ),
);
const authorizer = nodeAuthorizer(relations);

function asks(verb: string, what: string, more: Partial<Attributes> = {}): Attributes {
  const [path = "", group = ""] = what.split("@");
  const [place = "", resource = "", name = "", subresource = ""] = path.split(" ");
  return {
    user: { name: "system:node:n1", groups: ["system:nodes"] },
    verb,
    path: "",
    isResource: true,
    group,
    version: "v1",
    resource,
    subresource,
    namespace: place === "-" ? "" : place,
    name,
    ...more,
  };
}

const NONE = "no relationship found between node 'n1' and this object";

describe("a kubelet", () => {
  it.each<[string, string, string | true, Partial<Attributes>?]>([
    ["get", "ns secrets pull", true],
    ["watch", "ns secrets mounted", true],
    ["get", "ns secrets other", NONE],
    ["get", "ns secrets mirrored", NONE],
    ["get", "other secrets pull", NONE],
    ["get", "vault secrets publish", true],
    ["get", "vault secrets controller", NONE],
    ["list", "ns secrets", "No Object name found"],
    ["list", "- secrets", "can only read namespaced object of this type"],
    ["update", "ns secrets pull", "can only read resources of this type"],
    ["get", "ns configmaps env", true],
    ["get", "ns configmaps projected", true],
    ["get", "ns configmaps other", NONE],
    ["get", "ns persistentvolumeclaims claim", true],
    ["get", "ns persistentvolumeclaims a-v2", true],
    ["patch", "ns persistentvolumeclaims claim status", true],
    ["get", "ns persistentvolumeclaims claim status", "can only get/update/patch this type"],
    ["list", "ns persistentvolumeclaims claim", "can only get individual resources of this type"],
    ["get", "- persistentvolumes pv", true],
    ["get", "- persistentvolumes x", NONE],
    ["get", "ns resourceclaims a-gpu@resource.k8s.io", true],
    ["get", "ns resourceclaims nic@resource.k8s.io", true],
    ["get", "- volumeattachments va1@storage.k8s.io", true],
    ["get", "- volumeattachments va2@storage.k8s.io", NONE],
    ["create", "ns serviceaccounts sa token", true],
    ["create", "ns serviceaccounts other token", NONE],
    ["get", "ns serviceaccounts sa", true],
    ["create", "ns serviceaccounts sa", "can only create token subresource of serviceaccount"],
    ["list", "ns serviceaccounts", "can only create tokens for individual service accounts"],
    ["update", "kube-node-lease leases n1@coordination.k8s.io", true],
    ["create", "kube-node-lease leases@coordination.k8s.io", true],
    [
      "update",
      "kube-node-lease leases n2@coordination.k8s.io",
      "can only access node lease with the same name as the requesting node",
    ],
    ["update", "ns leases n1@coordination.k8s.io", 'can only access leases in the "kube-node-lease" system namespace'],
    [
      "list",
      "kube-node-lease leases@coordination.k8s.io",
      "can only get, create, update, patch, or delete a node lease",
    ],
    ["get", "- csinodes n1@storage.k8s.io", true],
    ["get", "- csinodes n2@storage.k8s.io", "can only access CSINode with the same name as the requesting node"],
    ["delete", "- resourceslices s1@resource.k8s.io", true],
    ["list", "- resourceslices@resource.k8s.io", true, { fieldSelector: "spec.nodeName=n1" }],
    [
      "list",
      "- resourceslices@resource.k8s.io",
      "can only list/watch/deletecollection resourceslices with nodeName field selector",
    ],
    ["get", "- nodes n1", true],
    ["get", "- nodes n2", "node 'n1' cannot read 'n2', only its own Node object"],
    ["list", "- nodes", "node 'n1' cannot read all nodes, only its own Node object"],
    ["patch", "- nodes n1 status", true],
    ["delete", "- nodes n1", ""],
    ["list", "- pods", true, { fieldSelector: "spec.nodeName=n1" }],
    [
      "list",
      "- pods",
      "can only list/watch pods with spec.nodeName field selector",
      { fieldSelector: "spec.nodeName!=n1" },
    ],
    ["list", "- pods", "can only list/watch pods with spec.nodeName field selector"],
    ["get", "ns pods a", true],
    ["get", "ns pods b", NONE],
    ["update", "ns pods b status", true],
    ["create", "ns pods a eviction", true],
    ["patch", "ns pods a", ""],
    ["create", "ns events", true],
    ["list", "- services", true],
    ["create", "ns services", ""],
    ["create", "ns podcertificaterequests@certificates.k8s.io", ""],
  ])("%s %s", (verb, what, expected, more) => {
    const verdict = authorizer.authorize(asks(verb, what, more));
    if (expected === true) expect(verdict).toEqual({ decision: "allow" });
    else expect(verdict).toEqual({ decision: "no opinion", ...(expected !== "" && { reason: expected }) });
  });

  it("has a name, and is in the group", () => {
    const user = { name: "system:node:", groups: ["system:nodes"] };
    const reason = 'unknown node for user "system:node:"';
    expect(authorizer.authorize(asks("get", "ns pods a", { user }))).toEqual({ decision: "no opinion", reason });
    const impostor = { name: "system:node:n1", groups: [] };
    expect(authorizer.authorize(asks("get", "ns pods a", { user: impostor }))).toEqual({ decision: "no opinion" });
  });
});
