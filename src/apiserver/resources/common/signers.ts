import {
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  nameIsDnsSubdomain,
  required,
  tooLong,
} from "../../../machinery/index.ts";
import type { Errors } from "./errors.ts";

/** Whether a signer is one of Kubernetes' own: `kubernetes.io/...` or below that domain. */
export function isKubernetesSigner(name: string): boolean {
  const host = name.split("/", 1)[0] ?? "";
  return host === "kubernetes.io" || host.endsWith(".kubernetes.io");
}

/** `example.com/signer-name`. */
export function validateSignerName(errors: Errors, path: string, name: string | undefined): void {
  if (!name) return void errors.push(required(path));
  const segments = name.split("/");
  const [domain = "", rest = ""] = segments;
  if (segments.length !== 2) {
    const words = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return void errors.push(invalidValue(path, name, words));
  }
  if (domain.length > 253) errors.push(tooLong(path, 253));
  const labels = domain.split(".");
  reportFirst(errors, path, domain, labels, isDns1123Label);
  if (labels.length < 2) {
    errors.push(invalidValue(path, domain, "should be a domain with at least two segments separated by dots"));
  }
  reportFirst(errors, path, rest, rest.split("."), isDns1123Subdomain);
  if (name.length > 571) errors.push(tooLong(path, 571));
}

function reportFirst(
  errors: Errors,
  path: string,
  value: string,
  labels: readonly string[],
  check: (label: string) => string[],
): void {
  for (const label of labels) {
    const problems = check(label);
    for (const problem of problems) errors.push(invalidValue(path, value, `validating label "${label}": ${problem}`));
    if (problems.length > 0) return;
  }
}

/** What is wrong with the name of a trust bundle that belongs to `signer` (empty: to none). */
export function trustBundleNameProblems(signer: string, name: string, prefix: boolean): string[] {
  if (signer === "") {
    return name.includes(":")
      ? ['ClusterTrustBundle without signer name must not have ":" in its name']
      : nameIsDnsSubdomain(name, prefix);
  }
  const head = `${signer.replaceAll("/", ":")}:`;
  return name.startsWith(head)
    ? nameIsDnsSubdomain(name.slice(head.length), prefix)
    : [`ClusterTrustBundle for signerName ${signer} must be named with prefix ${head}`];
}
