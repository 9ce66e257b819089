import type { corev1 } from "../../../api/index.ts";
import {
  isDns1123Label,
  isQualifiedName,
  isValidPortNumber,
  nameIsDnsSubdomain,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, optionalFormat, requireOneOf } from "../common/errors.ts";
import { ipWarnings, validateEndpointIp, validateLegacyIp } from "../common/ip.ts";
import type { Kind, KindEnv } from "../kind.ts";

type Endpoints = corev1.Endpoints;
const MANAGED_BY = "endpoints.kubernetes.io/managed-by";
const LISTS = ["addresses", "notReadyAddresses"] as const;

/** Endpoints of services, the older form. */
export function endpoints(env: KindEnv): Kind<Endpoints> {
  const strict = env.gates.StrictIPCIDRValidation;
  return {
    validate(object, old) {
      const errors: Errors = [];
      for (const [i, subset] of (object.subsets ?? []).entries())
        validateSubset(errors, `subsets[${i}]`, subset, strict);
      return old && semanticEqual(object.subsets, old.subsets) ? [] : errors;
    },
    warnings(object) {
      if (object.metadata.labels?.[MANAGED_BY] === "endpoint-controller") return [];
      return (object.subsets ?? []).flatMap((subset, i) =>
        LISTS.flatMap((list) =>
          (subset[list] ?? []).flatMap(({ ip }, j) => ipWarnings(`subsets[${i}].${list}[${j}].ip`, ip)),
        ),
      );
    },
  };
}

function validateSubset(errors: Errors, path: string, subset: corev1.EndpointSubset, strict: boolean): void {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  if (addresses.length + notReadyAddresses.length === 0) {
    errors.push(required(path, "must specify `addresses` or `notReadyAddresses`"));
  }
  for (const list of LISTS) {
    for (const [i, address] of (subset[list] ?? []).entries()) {
      const at = `${path}.${list}[${i}]`;
      validateLegacyIp(errors, `${at}.ip`, address.ip, { strict });
      optionalFormat(errors, `${at}.hostname`, address.hostname, isDns1123Label);
      const node = address.nodeName;
      if (node !== undefined) invalidEach(errors, `${at}.nodeName`, node, nameIsDnsSubdomain(node, false));
      validateEndpointIp(errors, `${at}.ip`, address.ip);
    }
  }
  for (const [i, port] of ports.entries()) {
    const at = `${path}.ports[${i}]`;
    if (ports.length > 1 && !port.name) errors.push(required(`${at}.name`));
    else optionalFormat(errors, `${at}.name`, port.name, isDns1123Label);
    invalidEach(errors, `${at}.port`, port.port, isValidPortNumber(port.port));
    requireOneOf(errors, `${at}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]);
    const app = port.appProtocol;
    if (app !== undefined) invalidEach(errors, `${at}.appProtocol`, app, isQualifiedName(app));
  }
}
