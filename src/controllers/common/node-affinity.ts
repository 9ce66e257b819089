import type { corev1 } from "../../api/index.ts";

type Labels = Readonly<Record<string, string>>;
type Requirement = corev1.NodeSelectorRequirement;

/** Whether a pod's node selector and its required node affinity allow the node. What cannot be read matches nothing. */
export function allowsNode(spec: corev1.PodSpec, node: corev1.Node): boolean {
  const labels = node.metadata.labels ?? {};
  const wanted = Object.entries(spec.nodeSelector ?? {});
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** Whether any term of the selector matches; a term without requirements matches nothing. */
export function matchesNodeSelector({ nodeSelectorTerms }: corev1.NodeSelector, node: corev1.Node): boolean {
  const labels = node.metadata.labels ?? {};
  const fields = { "metadata.name": node.metadata.name };
  return nodeSelectorTerms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length === 0 && matchFields.length === 0) return false;
    return matchExpressions.every((r) => meets(r, labels)) && matchFields.every((r) => meets(r, fields));
  });
}

function meets({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt":
      return compares(value, values[0], operator);
    default:
      return false;
  }
}

function compares(value: string | undefined, bound: string | undefined, operator: "Gt" | "Lt"): boolean {
  const whole = /^[+-]?[0-9]+$/;
  if (value === undefined || bound === undefined || !whole.test(value) || !whole.test(bound)) return false;
  return operator === "Gt" ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}
