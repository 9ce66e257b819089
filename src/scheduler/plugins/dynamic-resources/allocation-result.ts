import type { corev1, resourcev1 } from "../../../api/index.ts";
import type { Choice, Grant } from "./choice.ts";
import type { Request } from "./requests.ts";

/** The name by which results refer to a request. */
export function referenceTo({ base, sub }: Request): string {
  return sub === undefined ? base : `${base}/${sub}`;
}

/** What a choice is, as a claim's status records it. */
export function resultOf(claim: resourcev1.ResourceClaim, { grants, taken }: Choice): resourcev1.AllocationResult {
  const results = grants.map(({ request, candidate: { pool, device } }) => ({
    request: referenceTo(request),
    driver: pool.driver,
    pool: pool.name,
    device: device.name,
    ...(request.adminAccess && { adminAccess: true }),
  }));
  const config = [...classConfig(taken), ...claimConfig(claim, taken)];
  const selector = nodeSelectorOf(grants);
  return {
    devices: { results, ...(config.length > 0 && { config }) },
    ...(selector && { nodeSelector: selector }),
  };
}

/** The configuration of each class, once, for all requests of that class. */
function classConfig(taken: readonly Request[]): resourcev1.DeviceAllocationConfiguration[] {
  const users = new Map<resourcev1.DeviceClass, string[]>();
  for (const request of taken) {
    const list = users.get(request.deviceClass) ?? [];
    list.push(referenceTo(request));
    users.set(request.deviceClass, list);
  }
  return [...users].flatMap(([{ spec }, requests]) =>
    (spec.config ?? []).map((one) => ({ source: "FromClass" as const, requests, ...one })),
  );
}

function claimConfig(
  { spec }: resourcev1.ResourceClaim,
  taken: readonly Request[],
): resourcev1.DeviceAllocationConfiguration[] {
  return (spec.devices.config ?? []).flatMap((one) => {
    const { requests = [] } = one;
    const entry = { source: "FromClaim" as const, ...one };
    if (requests.length === 0) return [entry];
    return taken
      .filter((request) => requests.includes(request.base) || requests.includes(referenceTo(request)))
      .map(() => entry);
  });
}

/** Where the devices can be reached; undefined: everywhere. */
function nodeSelectorOf(grants: readonly Grant[]): corev1.NodeSelector | undefined {
  const fields: corev1.NodeSelectorRequirement[] = [];
  const labels: corev1.NodeSelectorRequirement[] = [];
  for (const { candidate } of grants) {
    const { nodeName, nodeSelector } = candidate.slice.spec;
    if (nodeName) {
      const only = { key: "metadata.name", operator: "In" as const, values: [nodeName] };
      return { nodeSelectorTerms: [{ matchFields: [only] }] };
    }
    const [term] = nodeSelector?.nodeSelectorTerms ?? [];
    addNew(fields, term?.matchFields);
    addNew(labels, term?.matchExpressions);
  }
  if (fields.length === 0 && labels.length === 0) return undefined;
  const term = {
    ...(labels.length > 0 && { matchExpressions: labels }),
    ...(fields.length > 0 && { matchFields: fields }),
  };
  return { nodeSelectorTerms: [term] };
}

function addNew(
  to: corev1.NodeSelectorRequirement[],
  from: readonly corev1.NodeSelectorRequirement[] | undefined,
): void {
  for (const one of from ?? []) {
    const isSame = ({ key, operator, values }: corev1.NodeSelectorRequirement): boolean =>
      key === one.key &&
      operator === one.operator &&
      new Set(values).symmetricDifference(new Set(one.values)).size === 0;
    if (!to.some(isSame)) to.push(one);
  }
}
