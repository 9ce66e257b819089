import type { networkingv1 } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  isDns1123Subdomain,
  isValidPortName,
  isValidPortNumber,
  isWildcardDns1123Subdomain,
  nameIsDns1035Label,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  nameIsPathSegment,
  notSupported,
  required,
  tooLong,
  validateImmutable,
} from "../../../machinery/index.ts";
import { validateDomainPath } from "../common/domain-path.ts";
import { type Errors, invalidEach, optionalFormat } from "../common/errors.ts";
import { ipWarnings, parseIp, validateLegacyIp } from "../common/ip.ts";
import type { Kind, KindEnv } from "../kind.ts";

type Ingress = networkingv1.Ingress;
type Spec = networkingv1.IngressSpec;
const CLASS = "kubernetes.io/ingress.class";

/** What an already stored ingress is excused from. */
interface Excuses {
  readonly secretNames: boolean;
  readonly wildcardRules: boolean;
  readonly serviceNames: boolean;
}

const NONE: Excuses = { secretNames: false, wildcardRules: false, serviceNames: false };

/** Ingresses. */
export function ingresses(env: KindEnv): Kind<Ingress> {
  return {
    generation: ["spec"],
    initialStatus: () => ({ loadBalancer: {} }),
    validate({ metadata, spec }, old) {
      const errors: Errors = [];
      const given = old ? excusesOf(old.spec) : NONE;
      const excuses = { ...given, serviceNames: env.gates.RelaxedServiceNameValidation || given.serviceNames };
      validateSpec(errors, spec, excuses);
      const annotation = metadata.annotations?.[CLASS];
      const name = spec.ingressClassName;
      if (!old && annotation !== undefined && name !== undefined && annotation !== name) {
        const words = "must match `ingressClassName` when both are specified";
        errors.push(invalidValue(`annotations.${CLASS}`, annotation, words));
      }
      return errors;
    },
    warnings: ({ metadata, spec }, old) =>
      !old && metadata.annotations?.[CLASS] !== undefined && spec.ingressClassName === undefined
        ? [`annotation "${CLASS}" is deprecated, please use 'spec.ingressClassName' instead`]
        : [],
    subresources: {
      status: {
        validate: ({ status }, old) => validateStatus(status, old.status, env.gates.StrictIPCIDRValidation),
        warnings: ({ status }) =>
          (status.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
            ip ? ipWarnings(`status.loadBalancer.ingress[${i}]`, ip) : [],
          ),
      },
    },
  };
}

function excusesOf(spec: Spec): Excuses {
  const services = [
    spec.defaultBackend,
    ...(spec.rules ?? []).flatMap((r) => (r.http?.paths ?? []).map((p) => p.backend)),
  ];
  const wildcard = (spec.rules ?? []).filter((r) => r.host?.includes("*"));
  const errors: Errors = [];
  for (const rule of wildcard) validateHttp(errors, "", rule.http, NONE);
  return {
    secretNames: (spec.tls ?? []).some((t) => t.secretName && nameIsDnsSubdomain(t.secretName, false).length > 0),
    wildcardRules: errors.length > 0,
    serviceNames: services.some((b) => {
      const name = b?.service?.name;
      return (
        name !== undefined && nameIsDnsLabel(name, false).length === 0 && nameIsDns1035Label(name, false).length > 0
      );
    }),
  };
}

function validateSpec(errors: Errors, spec: Spec, excuses: Excuses): void {
  const rules = spec.rules ?? [];
  if (rules.length === 0 && !spec.defaultBackend) {
    errors.push(invalidValue("spec", spec.rules ?? null, "either `defaultBackend` or `rules` must be specified"));
  }
  if (spec.defaultBackend) validateBackend(errors, "spec.defaultBackend", spec.defaultBackend, excuses);
  for (const [i, rule] of rules.entries()) {
    const at = `spec.rules[${i}]`;
    const host = rule.host ?? "";
    const wildcard = host.includes("*");
    if (parseIp(host)) errors.push(invalidValue(`${at}.host`, host, "must be a DNS name, not an IP address"));
    if (host !== "") invalidEach(errors, `${at}.host`, host, hostProblems(host));
    if (!wildcard || !excuses.wildcardRules) validateHttp(errors, `${at}.http`, rule.http, excuses);
  }
  for (const [i, tls] of (spec.tls ?? []).entries()) {
    for (const [j, host] of (tls.hosts ?? []).entries()) {
      invalidEach(errors, `spec.tls[${i}].hosts[${j}]`, host, hostProblems(host));
    }
    if (excuses.secretNames) continue;
    optionalFormat(errors, `spec.tls[${i}].secretName`, tls.secretName, (n) => nameIsDnsSubdomain(n, false));
  }
  const name = spec.ingressClassName;
  if (name !== undefined) invalidEach(errors, "spec.ingressClassName", name, nameIsDnsSubdomain(name, false));
}

function hostProblems(host: string): string[] {
  return host.includes("*") ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host);
}

function validateHttp(
  errors: Errors,
  path: string,
  http: networkingv1.HTTPIngressRuleValue | undefined,
  excuses: Excuses,
): void {
  if (!http) return;
  if ((http.paths ?? []).length === 0) errors.push(required(`${path}.paths`));
  for (const [i, entry] of (http.paths ?? []).entries()) validatePath(errors, `${path}.paths[${i}]`, entry, excuses);
}

function validatePath(errors: Errors, path: string, entry: networkingv1.HTTPIngressPath, excuses: Excuses): void {
  const type: string | undefined = entry.pathType;
  const value = entry.path ?? "";
  const say = (words: string): void => void errors.push(invalidValue(`${path}.path`, value, words));
  if (type === undefined) return void errors.push(required(`${path}.pathType`, "pathType must be specified"));
  if (type === "Exact" || type === "Prefix") {
    if (!value.startsWith("/")) say("must be an absolute path");
    for (const part of ["//", "/./", "/../", "%2f", "%2F"]) if (value.includes(part)) say(`must not contain '${part}'`);
    for (const end of ["/..", "/."]) if (value.endsWith(end)) say(`cannot end with '${end}'`);
  } else if (type === "ImplementationSpecific") {
    if (value !== "" && !value.startsWith("/")) say("must be an absolute path");
  } else errors.push(notSupported(`${path}.pathType`, type, ["Exact", "ImplementationSpecific", "Prefix"]));
  validateBackend(errors, `${path}.backend`, entry.backend, excuses);
}

function validateBackend(errors: Errors, path: string, backend: networkingv1.IngressBackend, excuses: Excuses): void {
  const { service, resource } = backend;
  if (service && resource) {
    return void errors.push(invalidValue(path, "", "cannot set both resource and service backends"));
  }
  if (resource) return validateReference(errors, `${path}.resource`, resource);
  if (!service) return void errors.push(invalidValue(path, "", "resource or service backend is required"));
  const check = excuses.serviceNames ? nameIsDnsLabel : nameIsDns1035Label;
  if (!service.name) errors.push(required(`${path}.service.name`));
  else invalidEach(errors, `${path}.service.name`, service.name, check(service.name, false));
  const { name, number } = service.port ?? {};
  if (name && number) errors.push(invalidValue(path, "", "cannot set both port name & port number"));
  else if (name) invalidEach(errors, `${path}.service.port.name`, name, isValidPortName(name));
  else if (number) invalidEach(errors, `${path}.service.port.number`, number, isValidPortNumber(number));
  else errors.push(required(path, "port name or number is required"));
}

interface Reference {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

function validateReference(errors: Errors, path: string, ref: Reference): void {
  if (ref.apiGroup !== undefined)
    invalidEach(errors, `${path}.apiGroup`, ref.apiGroup, isDns1123Subdomain(ref.apiGroup));
  for (const field of ["kind", "name"] as const) {
    if (!ref[field]) errors.push(required(`${path}.${field}`));
    else invalidEach(errors, `${path}.${field}`, ref[field], nameIsPathSegment(ref[field], false));
  }
}

function validateStatus(status: networkingv1.IngressStatus, old: networkingv1.IngressStatus, strict: boolean): Errors {
  const errors: Errors = [];
  const before = (old.loadBalancer?.ingress ?? []).map((i) => i.ip ?? "");
  for (const [i, { ip, hostname }] of (status.loadBalancer?.ingress ?? []).entries()) {
    const at = `status.loadBalancer.ingress[${i}]`;
    if (ip) validateLegacyIp(errors, `${at}.ip`, ip, { old: before, strict });
    if (!hostname) continue;
    invalidEach(errors, `${at}.hostname`, hostname, isDns1123Subdomain(hostname));
    if (parseIp(hostname)) {
      errors.push(invalidValue(`${at}.hostname`, hostname, "must be a DNS name, not an IP address"));
    }
  }
  return errors;
}

/** Ingress classes. */
export function ingressClasses(): Kind<networkingv1.IngressClass> {
  return {
    generation: ["spec"],
    validate({ spec }) {
      const errors: Errors = [];
      const controller = spec.controller ?? "";
      if (controller.length > 250) errors.push(tooLong("spec.controller", 250));
      validateDomainPath(errors, "spec.controller", controller);
      if (spec.parameters) validateParameters(errors, "spec.parameters", spec.parameters);
      return errors;
    },
    validateChange: ({ spec }, old) => validateImmutable(spec.controller, old.spec.controller, "spec.controller"),
  };
}

function validateParameters(
  errors: Errors,
  path: string,
  parameters: networkingv1.IngressClassParametersReference,
): void {
  validateReference(errors, path, parameters);
  const { scope, namespace } = parameters;
  if (scope === undefined) return void errors.push(required(`${path}.scope`));
  const at = `${path}.namespace`;
  if (scope === "Namespace") {
    if (namespace === undefined) errors.push(required(at, "`parameters.scope` is set to 'Namespace'"));
    else invalidEach(errors, at, namespace, nameIsDnsLabel(namespace, false));
  } else if (scope === "Cluster") {
    if (namespace !== undefined) errors.push(forbiddenField(at, "`parameters.scope` is set to 'Cluster'"));
  } else errors.push(notSupported(`${path}.scope`, scope, ["Cluster", "Namespace"]));
}
