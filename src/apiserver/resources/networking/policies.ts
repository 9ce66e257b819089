import type { networkingv1 } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  isDns1123Subdomain,
  isValidPortName,
  isValidPortNumber,
  nameIsPathSegment,
  notSupported,
  required,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, IMMUTABLE, invalidEach } from "../common/errors.ts";
import {
  cidrContains,
  cidrWarnings,
  isIpv6,
  parseCidr,
  validateCidr,
  validateIp,
  validateLegacyCidr,
} from "../common/ip.ts";
import { hasInvalidSelectorValue, validateLabelSelector } from "../common/labels.ts";
import type { Kind, KindEnv } from "../kind.ts";

type Policy = networkingv1.NetworkPolicy;
type Peer = networkingv1.NetworkPolicyPeer;

/** What a policy's networks and selectors are judged with. */
interface Rules {
  readonly strict: boolean;
  readonly oldCidrs: readonly string[];
  readonly allowInvalidValues: boolean;
}

/** Network policies. */
export function networkPolicies(env: KindEnv): Kind<Policy> {
  return {
    generation: ["spec"],
    validate: ({ spec }, old) =>
      validateSpec(spec, {
        strict: env.gates.StrictIPCIDRValidation,
        oldCidrs: old ? cidrsOf(old) : [],
        allowInvalidValues: hasInvalidSelectorValue(old?.spec.podSelector),
      }),
    warnings: (policy) =>
      peersOf(policy).flatMap(([path, { ipBlock }]) =>
        ipBlock
          ? [
              ...cidrWarnings(`${path}.ipBlock.cidr`, ipBlock.cidr),
              ...(ipBlock.except ?? []).flatMap((e, i) => cidrWarnings(`${path}.ipBlock.except[${i}]`, e)),
            ]
          : [],
      ),
  };
}

function peersOf({ spec }: Policy): [path: string, peer: Peer][] {
  const ingress = (spec.ingress ?? []).flatMap((rule, i) =>
    (rule.from ?? []).map((peer, j): [string, Peer] => [`spec.ingress[${i}].from[${j}]`, peer]),
  );
  const egress = (spec.egress ?? []).flatMap((rule, i) =>
    (rule.to ?? []).map((peer, j): [string, Peer] => [`spec.egress[${i}].to[${j}]`, peer]),
  );
  return [...ingress, ...egress];
}

function cidrsOf(policy: Policy): string[] {
  return peersOf(policy).flatMap(([, { ipBlock }]) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []));
}

function validateSpec(spec: networkingv1.NetworkPolicySpec, rules: Rules): Errors {
  const errors: Errors = [];
  validateLabelSelector(errors, "spec.podSelector", spec.podSelector, rules);
  for (const [i, rule] of (spec.ingress ?? []).entries()) {
    validateRule(errors, `spec.ingress[${i}]`, [rule.ports, "from", rule.from], rules);
  }
  for (const [i, rule] of (spec.egress ?? []).entries()) {
    validateRule(errors, `spec.egress[${i}]`, [rule.ports, "to", rule.to], rules);
  }
  const types = spec.policyTypes ?? [];
  if (types.length > 2) {
    return [...errors, invalidValue("spec.policyTypes", types, "may not specify more than two policyTypes")];
  }
  const known = ["Ingress", "Egress"];
  for (const [i, type] of types.entries()) {
    if (!known.includes(type)) errors.push(notSupported(`spec.policyTypes[${i}]`, type, known));
  }
  return errors;
}

function validateRule(
  errors: Errors,
  path: string,
  [ports, side, peers]: [networkingv1.NetworkPolicyPort[] | undefined, "from" | "to", Peer[] | undefined],
  rules: Rules,
): void {
  for (const [i, port] of (ports ?? []).entries()) validatePort(errors, `${path}.ports[${i}]`, port);
  for (const [i, peer] of (peers ?? []).entries()) validatePeer(errors, `${path}.${side}[${i}]`, peer, rules);
}

function validatePort(errors: Errors, path: string, { protocol, port, endPort }: networkingv1.NetworkPolicyPort): void {
  const known = ["TCP", "UDP", "SCTP"];
  if (protocol !== undefined && !known.includes(protocol))
    errors.push(notSupported(`${path}.protocol`, protocol, known));
  const at = `${path}.endPort`;
  if (port === undefined) {
    if (endPort !== undefined) {
      errors.push(invalidValue(at, endPort, "may not be specified when `port` is not specified"));
    }
  } else if (typeof port === "number") {
    invalidEach(errors, `${path}.port`, port, isValidPortNumber(port));
    if (endPort === undefined) return;
    if (endPort < port) errors.push(invalidValue(at, port, "must be greater than or equal to `port`"));
    invalidEach(errors, at, endPort, isValidPortNumber(endPort));
  } else {
    if (endPort !== undefined) {
      errors.push(invalidValue(at, endPort, "may not be specified when `port` is non-numeric"));
    }
    invalidEach(errors, `${path}.port`, port, isValidPortName(port));
  }
}

function validatePeer(errors: Errors, path: string, peer: Peer, rules: Rules): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  validateLabelSelector(errors, `${path}.podSelector`, podSelector, rules);
  validateLabelSelector(errors, `${path}.namespaceSelector`, namespaceSelector, rules);
  if (ipBlock) validateBlock(errors, `${path}.ipBlock`, ipBlock, rules);
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, "must specify a peer"));
  else if (ipBlock && (podSelector ?? namespaceSelector)) {
    errors.push(forbiddenField(path, "may not specify both ipBlock and another peer"));
  }
}

function validateBlock(errors: Errors, path: string, block: networkingv1.IPBlock, rules: Rules): void {
  if (!block.cidr) return void errors.push(required(`${path}.cidr`));
  const options = { old: rules.oldCidrs, strict: rules.strict };
  validateLegacyCidr(errors, `${path}.cidr`, block.cidr, options);
  const whole = parseCidr(block.cidr);
  if (!whole) return;
  for (const [i, text] of (block.except ?? []).entries()) {
    const at = `${path}.except[${i}]`;
    validateLegacyCidr(errors, at, text, options);
    const part = parseCidr(text);
    if (part && (!cidrContains(whole, part.network) || whole.bits >= part.bits)) {
      errors.push(invalidValue(at, text, "must be a strict subset of `cidr`"));
    }
  }
}

/** Addresses that something owns: their name is the address. */
export function ipAddresses(): Kind<networkingv1.IPAddress> {
  return {
    name(name) {
      const errors: Errors = [];
      validateIp(errors, "", name);
      return errors.map((e) => e.detail);
    },
    validate({ spec }) {
      const errors: Errors = [];
      const ref = spec?.parentRef;
      const at = "spec.parentRef";
      if (!ref) return [required(at)];
      if (ref.group) invalidEach(errors, `${at}.group`, ref.group, isDns1123Subdomain(ref.group));
      for (const field of ["resource", "name"] as const) {
        const value = ref[field] ?? "";
        if (value === "") errors.push(required(`${at}.${field}`));
        else invalidEach(errors, `${at}.${field}`, value, nameIsPathSegment(value, false));
      }
      if (ref.namespace) invalidEach(errors, `${at}.namespace`, ref.namespace, nameIsPathSegment(ref.namespace, false));
      return errors;
    },
    updateChecksChangeOnly: true,
    validateChange: ({ spec }, old) => validateImmutable(spec.parentRef, old.spec.parentRef, "spec.parentRef"),
  };
}

/** Networks of cluster IPs. */
export function serviceCidrs(): Kind<networkingv1.ServiceCIDR> {
  return {
    initialStatus: ({ status }) => status ?? {},
    validate({ spec }) {
      const errors: Errors = [];
      validateCidrs(errors, spec?.cidrs ?? []);
      return errors;
    },
    updateChecksChangeOnly: true,
    validateChange({ spec }, old) {
      const errors: Errors = [];
      const [next, before] = [spec.cidrs ?? [], old.spec.cidrs ?? []];
      const grows = before.length === 1 && next.length === 2;
      if (next.length !== before.length && !grows) return [invalidValue("spec.cidrs", next, IMMUTABLE)];
      for (const [i, cidr] of before.entries()) {
        if (cidr !== next[i]) errors.push(invalidValue(`spec.cidrs[${i}]`, next[i], IMMUTABLE));
      }
      if (grows) validateCidrs(errors, next);
      return errors;
    },
    subresources: { status: { keepMetadata: true } },
  };
}

function validateCidrs(errors: Errors, cidrs: readonly string[]): void {
  const at = "spec.cidrs";
  if (cidrs.length === 0) return void errors.push(required(at, "at least one CIDR required"));
  if (cidrs.length > 2) return void errors.push(invalidValue(at, { cidrs }, "may only hold up to 2 values"));
  for (const [i, cidr] of cidrs.entries()) validateCidr(errors, `${at}[${i}]`, cidr);
  const families = cidrs.filter((c) => parseCidr(c)).map((c) => isIpv6(c.split("/", 1)[0] ?? ""));
  if (families.length === 2 && families[0] === families[1]) {
    const words = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
    errors.push(invalidValue(at, cidrs, words));
  }
}
