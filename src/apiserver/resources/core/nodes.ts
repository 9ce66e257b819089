import type { corev1 } from "../../../api/index.ts";
import { duplicate, forbiddenField, invalidValue } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { cidrWarnings, isIpv6, validateLegacyCidr } from "../common/ip.ts";
import { validateResourceAmount } from "../common/quantities.ts";
import { validateTaints } from "../pods/tolerations.ts";
import type { Kind, KindEnv } from "../kind.ts";

type Node = corev1.Node;

/** Nodes. A new node brings its status along: the kubelet registers with it. */
export function nodes(env: KindEnv): Kind<Node> {
  return {
    initialStatus: ({ status }) => status ?? {},
    prepareForCreate(node) {
      delete node.spec?.configSource;
      delete node.status.config;
      delete node.status.declaredFeatures;
    },
    prepareForUpdate(node, old) {
      if (!old.spec.configSource) delete node.spec?.configSource;
    },
    validate(node, old) {
      const errors: Errors = [];
      validateTaints(errors, "metadata.taints", node.spec?.taints ?? []);
      validateAmounts(errors, node);
      if (!old) validatePodCidrs(errors, node, env.gates.StrictIPCIDRValidation);
      return errors;
    },
    validateChange: validateNodeChange,
    warnings({ spec }) {
      return [
        ...(spec.configSource ? ["spec.configSource: the feature is removed"] : []),
        ...(spec.externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : []),
        ...(spec.podCIDRs ?? []).flatMap((cidr, i) => cidrWarnings(`spec.podCIDRs[${i}]`, cidr)),
      ];
    },
    subresources: {
      status: {
        prepare(node, old) {
          if (!old.status.config) delete node.status.config;
        },
        validate(node, old) {
          const errors = validateNodeChange(node, old);
          validateAmounts(errors, node);
          return errors;
        },
      },
    },
  };
}

function validateAmounts(errors: Errors, { status }: Node): void {
  for (const list of ["capacity", "allocatable"] as const) {
    for (const [name, amount] of Object.entries(status?.[list] ?? {})) {
      validateResourceAmount(errors, `status.${list}.${name}`, name, amount);
    }
  }
}

function validatePodCidrs(errors: Errors, { spec }: Node, strict: boolean): void {
  const cidrs = spec?.podCIDRs ?? [];
  for (const [i, cidr] of cidrs.entries()) validateLegacyCidr(errors, `spec.podCIDRs[${i}]`, cidr, { strict });
  const six = cidrs.filter((c) => isIpv6(c.split("/", 1)[0] ?? "")).length;
  if (cidrs.length > 2 || (cidrs.length === 2 && six !== 1)) {
    errors.push(invalidValue("spec.podCIDRs", cidrs, "may specify no more than one CIDR for each IP family"));
  }
}

function validateNodeChange(node: Node, old: Node): Errors {
  const errors: Errors = [];
  const seen = new Set<string>();
  for (const [i, address] of (node.status?.addresses ?? []).entries()) {
    const key = `${address.type} ${address.address}`;
    if (seen.has(key)) errors.push(duplicate(`status.addresses[${i}]`, address));
    seen.add(key);
  }
  const [before, after] = [old.spec?.podCIDRs ?? [], node.spec?.podCIDRs ?? []];
  if (before.length > 0 && before.join() !== after.join()) {
    errors.push(forbiddenField("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.spec?.providerID && old.spec.providerID !== node.spec?.providerID) {
    errors.push(forbiddenField("spec.providerID", 'node updates may not change providerID except from "" to valid'));
  }
  if ((node.spec?.externalID ?? "") !== (old.spec?.externalID ?? "")) {
    errors.push(forbiddenField("spec.externalID", "may not be updated"));
  }
  return errors;
}
