import { rbacBootstrap, type rbacv1 } from "../../../api/index.ts";
import { parseFieldSelector } from "../../../machinery/index.ts";
import type { Attributes, Authorizer, Verdict } from "../../seams/index.ts";
import { ruleAllows } from "../rbac/rules.ts";
import { nodeNameOf } from "./identity.ts";
import type { NodeRelations, Related } from "./relations.ts";

/** One kubelet's question. */
interface Question {
  readonly node: string;
  readonly asked: Attributes;
  readonly relations: NodeRelations;
}

type Rule = (question: Question) => Verdict;

const ALLOW: Verdict = { decision: "allow" };

function no(reason = ""): Verdict {
  return reason === "" ? { decision: "no opinion" } : { decision: "no opinion", reason };
}

/**
 * What a kubelet may do: what its node needs, and of secrets, config maps, volumes and the like only what the pods on
 * it use. For the rest it has no opinion.
 */
export function nodeAuthorizer(relations: NodeRelations): Authorizer {
  let rules: readonly rbacv1.PolicyRule[] | undefined;
  return {
    name: "Node",
    authorize(asked) {
      const node = nodeNameOf(asked.user);
      if (node === undefined) return no();
      if (node === "") return no(`unknown node for user ${JSON.stringify(asked.user.name)}`);
      const { group, resource } = asked;
      const rule = asked.isResource ? RULES[group === "" ? resource : `${resource}.${group}`] : undefined;
      if (rule) return rule({ node, asked, relations });
      rules ??= (rbacBootstrap().clusterRoles.find((role) => role.name === "system:node")?.rules ??
        []) as readonly rbacv1.PolicyRule[];
      return rules.some((allowed) => ruleAllows(allowed, asked)) ? ALLOW : no();
    },
  };
}

const RULES: Readonly<Record<string, Rule>> = {
  secrets: (question) => read(question, "secret"),
  configmaps: (question) => read(question, "configMap"),
  persistentvolumeclaims: (question) =>
    question.asked.subresource === "status"
      ? updateStatus(question, "persistentVolumeClaim")
      : get(question, "persistentVolumeClaim"),
  persistentvolumes: (question) => get(question, "persistentVolume"),
  "resourceclaims.resource.k8s.io": (question) => get(question, "resourceClaim"),
  "volumeattachments.storage.k8s.io": (question) => get(question, "volumeAttachment"),
  serviceaccounts: serviceAccount,
  "leases.coordination.k8s.io": lease,
  "csinodes.storage.k8s.io": csiNode,
  "resourceslices.resource.k8s.io": resourceSlice,
  nodes: nodeObject,
  pods: pod,
  // The feature is off by default, and has no rules while it is.
  "podcertificaterequests.certificates.k8s.io": () => no(),
};

function related({ node, asked, relations }: Question, kind: Related): Verdict {
  if (asked.name === "") return no("No Object name found");
  if (relations.has(node, kind, asked.namespace, asked.name)) return ALLOW;
  return no(`no relationship found between node '${node}' and this object`);
}

function get(question: Question, kind: Related): Verdict {
  if (question.asked.verb !== "get") return no("can only get individual resources of this type");
  if (question.asked.subresource !== "") return no("cannot get subresource");
  return related(question, kind);
}

function read(question: Question, kind: Related): Verdict {
  const { verb, subresource, namespace } = question.asked;
  if (!["get", "list", "watch"].includes(verb)) return no("can only read resources of this type");
  if (subresource !== "") return no("cannot read subresource");
  if (namespace === "") return no("can only read namespaced object of this type");
  return related(question, kind);
}

function updateStatus(question: Question, kind: Related): Verdict {
  const { verb } = question.asked;
  if (verb !== "update" && verb !== "patch") return no("can only get/update/patch this type");
  return related(question, kind);
}

function serviceAccount(question: Question): Verdict {
  const { node, asked, relations } = question;
  if (asked.verb === "get" && asked.subresource === "") return read(question, "serviceAccount");
  if (asked.verb !== "create" || asked.name === "") {
    return no("can only create tokens for individual service accounts");
  }
  if (asked.subresource !== "token") return no("can only create token subresource of serviceaccount");
  if (relations.has(node, "serviceAccount", asked.namespace, asked.name)) return ALLOW;
  return no(`no relationship found between node '${node}' and this object`);
}

const OWN_VERBS = ["get", "create", "update", "patch", "delete"];

function lease({ node, asked }: Question): Verdict {
  const { verb, namespace, name } = asked;
  if (!OWN_VERBS.includes(verb)) return no("can only get, create, update, patch, or delete a node lease");
  if (namespace !== "kube-node-lease") return no('can only access leases in the "kube-node-lease" system namespace');
  // A new lease's name is checked by admission: it is in the body.
  if (verb !== "create" && name !== node) {
    return no("can only access node lease with the same name as the requesting node");
  }
  return ALLOW;
}

function csiNode({ node, asked }: Question): Verdict {
  const { verb, subresource, name } = asked;
  if (!OWN_VERBS.includes(verb)) return no("can only get, create, update, patch, or delete a CSINode");
  if (subresource !== "") return no("cannot authorize CSINode subresources");
  if (verb !== "create" && name !== node) {
    return no("can only access CSINode with the same name as the requesting node");
  }
  return ALLOW;
}

function resourceSlice(question: Question): Verdict {
  const { node, asked } = question;
  if (asked.subresource !== "") return no("cannot authorize ResourceSlice subresources");
  switch (asked.verb) {
    case "create":
      return ALLOW;
    case "get":
    case "update":
    case "patch":
    case "delete":
      return related(question, "resourceSlice");
    case "watch":
    case "list":
    case "deletecollection":
      if (selects(asked, "spec.nodeName", node)) return ALLOW;
      return no("can only list/watch/deletecollection resourceslices with nodeName field selector");
    default:
      return no(
        "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection",
      );
  }
}

/** Whether a list is only about objects of which a field has a value. */
function selects({ fieldSelector = "" }: Attributes, field: string, value: string): boolean {
  try {
    return parseFieldSelector(fieldSelector).requirements.some(
      (requirement) => requirement.field === field && requirement.operator === "=" && requirement.value === value,
    );
  } catch {
    // What cannot be understood selects nothing: the request will be refused for it later.
    return false;
  }
}

function nodeObject({ node, asked }: Question): Verdict {
  const { verb, subresource, name } = asked;
  if (subresource === "status") return verb === "update" || verb === "patch" ? ALLOW : no();
  if (subresource !== "") return no();
  if (["create", "update", "patch"].includes(verb)) return ALLOW;
  if (!["get", "list", "watch"].includes(verb)) return no();
  if (name === node) return ALLOW;
  const what = name === "" ? "all nodes" : `'${name}'`;
  return no(`node '${node}' cannot read ${what}, only its own Node object`);
}

function pod(question: Question): Verdict {
  const { node, asked } = question;
  const { verb, subresource, name } = asked;
  if (subresource === "status") return verb === "update" || verb === "patch" ? ALLOW : no();
  if (subresource === "eviction") return verb === "create" ? ALLOW : no();
  if (subresource !== "") return no();
  if (verb === "create" || verb === "delete") return ALLOW;
  if (verb === "get") return get(question, "pod");
  if (verb !== "list" && verb !== "watch") return no();
  if (selects(asked, "spec.nodeName", node)) return ALLOW;
  return name === "" ? no("can only list/watch pods with spec.nodeName field selector") : related(question, "pod");
}
