import type { corev1 } from "../../../api/index.ts";
import { isValidLabelValue } from "../../../machinery/index.ts";

const DEPRECATED: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

/** What upstream says of a node label that should not be used any more. */
export function deprecatedNodeLabel(key: string): string | undefined {
  return Object.hasOwn(DEPRECATED, key) ? DEPRECATED[key] : undefined;
}

/** Warnings of one node selector term; `values`: also of values that are no label values. */
export function nodeTermWarnings(path: string, term: corev1.NodeSelectorTerm, values: boolean): string[] {
  return (term.matchExpressions ?? []).flatMap((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const message = deprecatedNodeLabel(expression.key);
    const bad = values
      ? (expression.values ?? []).flatMap((value, j) =>
          isValidLabelValue(value).map((m) => `${at}.values[${j}]: ${value} is invalid, ${m}`),
        )
      : [];
    return [...(message === undefined ? [] : [`${at}.key: ${expression.key} is ${message}`]), ...bad];
  });
}
