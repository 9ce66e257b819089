import type { discoveryv1 } from "../../../api/index.ts";
import {
  duplicate,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  isValidLabelValue,
  nameIsDnsSubdomain,
  required,
  semanticEqual,
  tooMany,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, requireOneOf } from "../common/errors.ts";
import { ipWarnings, isIpv6, validateEndpointIp, validateIp, validateLegacyIp } from "../common/ip.ts";
import { validateLabels } from "../common/labels.ts";
import type { Kind, KindEnv } from "../kind.ts";

type Slice = discoveryv1.EndpointSlice;
type Endpoint = discoveryv1.Endpoint;
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const CONTROLLERS = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];

/** Endpoint slices. Their labels count as change. */
export function endpointSlices(env: KindEnv): Kind<Slice> {
  return {
    generation: ["addressType", "endpoints", "ports", "metadata.labels"],
    prepareForCreate: (slice) => dropTopology(slice, undefined),
    prepareForUpdate: dropTopology,
    validate(slice, old) {
      const errors: Errors = [];
      requireOneOf(errors, "addressType", slice.addressType, ["FQDN", "IPv4", "IPv6"]);
      validatePorts(errors, slice.ports ?? []);
      const found: Errors = [];
      validateEndpoints(found, slice, env.gates.StrictIPCIDRValidation);
      const unchanged = old !== undefined && found.length > 0 && semanticEqual(old.endpoints, slice.endpoints);
      return unchanged ? errors : [...errors, ...found];
    },
    validateChange: ({ addressType }, old) => validateImmutable(addressType, old.addressType, "addressType"),
    warnings(slice, old) {
      const fqdn = !old && slice.addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : [];
      if (CONTROLLERS.includes(slice.metadata.labels?.[MANAGED_BY] ?? "")) return fqdn;
      const ips = (slice.endpoints ?? []).flatMap((e, i) =>
        (e.addresses ?? []).flatMap((a, j) => ipWarnings(`endpoints[${i}].addresses[${j}]`, a)),
      );
      return [...fqdn, ...ips];
    },
  };
}

/** v1 has no topology any more; a node's name is saved from it. */
function dropTopology(slice: Slice, old: Slice | undefined): void {
  if (old && semanticEqual(old.endpoints, slice.endpoints)) return;
  const known = new Set((old?.endpoints ?? []).map((e) => e.deprecatedTopology?.["kubernetes.io/hostname"]));
  for (const endpoint of slice.endpoints ?? []) {
    const host = endpoint.deprecatedTopology?.["kubernetes.io/hostname"];
    if (endpoint.nodeName === undefined && host !== undefined && known.has(host)) endpoint.nodeName = host;
    delete endpoint.deprecatedTopology;
  }
}

function validatePorts(errors: Errors, ports: readonly discoveryv1.EndpointPort[]): void {
  if (ports.length > 20_000) return void errors.push(tooMany("ports", ports.length, 20_000));
  const names = new Set<string>();
  for (const [i, { name = "", protocol, appProtocol }] of ports.entries()) {
    const at = `ports[${i}]`;
    if (name !== "") invalidEach(errors, `${at}.name`, name, isDns1123Label(name));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    requireOneOf(errors, `${at}.protocol`, protocol, ["SCTP", "TCP", "UDP"]);
    if (appProtocol !== undefined) invalidEach(errors, `${at}.appProtocol`, appProtocol, isQualifiedName(appProtocol));
  }
}

function validateEndpoints(errors: Errors, slice: Slice, strict: boolean): void {
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > 1000) return void errors.push(tooMany("endpoints", endpoints.length, 1000));
  for (const [i, endpoint] of endpoints.entries()) {
    const at = `endpoints[${i}]`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) errors.push(required(`${at}.addresses`, "must contain at least 1 address"));
    if (addresses.length > 100) errors.push(tooMany(`${at}.addresses`, addresses.length, 100));
    for (const [j, address] of addresses.entries()) {
      validateAddress(errors, [`${at}.addresses`, j], address, [slice.addressType, strict]);
    }
    const { nodeName: node, hostname, deprecatedTopology: topology, hints } = endpoint;
    if (node !== undefined) invalidEach(errors, `${at}.nodeName`, node, nameIsDnsSubdomain(node, false));
    validateLabels(errors, `${at}.deprecatedTopology`, topology);
    if (hostname !== undefined) invalidEach(errors, `${at}.hostname`, hostname, isDns1123Label(hostname));
    if (hints) validateHints(errors, `${at}.hints`, hints);
  }
}

function validateAddress(
  errors: Errors,
  [list, i]: [string, number],
  address: string,
  [type, strict]: [string, boolean],
): void {
  const at = `${list}[${i}]`;
  const before = errors.length;
  if (type === "FQDN") return validateDomain(errors, at, address);
  if (type === "IPv4") validateLegacyIp(errors, at, address, { strict });
  else if (type === "IPv6") validateIp(errors, at, address);
  else return;
  if (errors.length > before) return;
  if (isIpv6(address) !== (type === "IPv6")) errors.push(invalidValue(list, address, `must be an ${type} address`));
  validateEndpointIp(errors, at, address);
}

function validateDomain(errors: Errors, path: string, address: string): void {
  const name = address.replace(/\.$/, "");
  if (address === "") return void errors.push(required(path));
  const problems = isDns1123Subdomain(name);
  if (problems.length > 0) return void errors.push(invalidValue(path, name, problems.join(",")));
  if (!name.includes(".")) {
    const words = "should be a domain with at least two segments separated by dots";
    return void errors.push(invalidValue(path, name, words));
  }
  for (const label of name.split(".")) {
    const wrong = isDns1123Label(label);
    if (wrong.length > 0) return void errors.push(invalidValue(path, label, wrong.join(",")));
  }
}

function validateHints(errors: Errors, path: string, hints: NonNullable<Endpoint["hints"]>): void {
  const lists = [
    ["forZones", isValidLabelValue],
    ["forNodes", (name: string) => nameIsDnsSubdomain(name, false)],
  ] as const;
  for (const [field, check] of lists) {
    const list = hints[field] ?? [];
    if (list.length > 8) return void errors.push(tooMany(`${path}.${field}`, list.length, 8));
    const names = new Set<string>();
    for (const [i, { name }] of list.entries()) {
      const at = `${path}.${field}[${i}].name`;
      if (names.has(name)) errors.push(duplicate(at, name));
      names.add(name);
      invalidEach(errors, at, name, check(name));
    }
  }
}
