import type { admissionregistrationv1 as v1 } from "../../../api/index.ts";
import {
  deepEqual,
  duplicate,
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  isValidPortNumber,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, optionalOneOf } from "../common/errors.ts";
import { hasInvalidSelectorValue, validateLabelSelector } from "../common/labels.ts";
import type { Kind } from "../kind.ts";
import { validateMatchConditions, validateOperationRule } from "./match-rules.ts";

type Webhook = v1.MutatingWebhook | v1.ValidatingWebhook;
type Configuration = v1.MutatingWebhookConfiguration | v1.ValidatingWebhookConfiguration;

/** Versions of AdmissionReview that we speak. */
const REVIEW_VERSIONS = ["v1", "v1beta1"];
const FAILURE_POLICIES = ["Fail", "Ignore"];
const MATCH_POLICIES = ["Equivalent", "Exact"];
const SIDE_EFFECTS = ["None", "NoneOnDryRun", "Some", "Unknown"];
const NO_SIDE_EFFECTS = ["None", "NoneOnDryRun"];
const REINVOCATION = ["IfNeeded", "Never"];

/** Mutating webhooks, and validating ones: their registrations differ in a field. */
export function webhookConfigurations(): Kind<Configuration> {
  return {
    generation: ["webhooks"],
    validate(object, old) {
      const errors: Errors = [];
      const hooks: readonly Webhook[] = object.webhooks ?? [];
      const before: readonly Webhook[] | undefined = old && (old.webhooks ?? []);
      const rules = rulesFor(hooks, before);
      const names = new Set<string>();
      for (const [i, hook] of hooks.entries()) {
        const at = `webhooks[${i}]`;
        validateWebhook(errors, at, hook, rules);
        validateReviewVersions(errors, `${at}.admissionReviewVersions`, hook.admissionReviewVersions, rules);
        if (!rules.uniqueNames || hook.name === "") continue;
        if (names.has(hook.name)) errors.push(duplicate(`${at}.name`, hook.name));
        names.add(hook.name);
      }
      return errors;
    },
  };
}

/** What is asked of a registration: a stored one may go on breaking the rules that came later. */
interface Rules {
  readonly checkConditions: boolean;
  readonly noSideEffects: boolean;
  readonly knownVersion: boolean;
  readonly uniqueNames: boolean;
  readonly allowInvalidValues: boolean;
}

function rulesFor(hooks: readonly Webhook[], before: readonly Webhook[] | undefined): Rules {
  const conditions = (list: readonly Webhook[]): unknown[] => list.map((hook) => hook.matchConditions ?? []);
  return {
    checkConditions: !before || !deepEqual(conditions(hooks), conditions(before)),
    noSideEffects: !before || before.every((hook) => NO_SIDE_EFFECTS.includes(hook.sideEffects)),
    knownVersion:
      !before ||
      before.every(
        ({ admissionReviewVersions: versions }) =>
          versions.length === 0 || versions.some((v) => REVIEW_VERSIONS.includes(v)),
      ),
    uniqueNames: !before || new Set(before.map((hook) => hook.name)).size === before.length,
    allowInvalidValues: (before ?? []).some(
      (hook) => hasInvalidSelectorValue(hook.namespaceSelector) || hasInvalidSelectorValue(hook.objectSelector),
    ),
  };
}

function validateWebhook(errors: Errors, path: string, hook: Webhook, rules: Rules): void {
  validateDomainName(errors, `${path}.name`, hook.name);
  for (const [i, rule] of (hook.rules ?? []).entries()) validateOperationRule(errors, `${path}.rules[${i}]`, rule);
  optionalOneOf(errors, `${path}.failurePolicy`, hook.failurePolicy, FAILURE_POLICIES);
  optionalOneOf(errors, `${path}.matchPolicy`, hook.matchPolicy, MATCH_POLICIES);
  const allowed = rules.noSideEffects ? NO_SIDE_EFFECTS : SIDE_EFFECTS;
  const { sideEffects, timeoutSeconds: seconds } = hook as Partial<Webhook>;
  if (sideEffects === undefined) {
    errors.push(required(`${path}.sideEffects`, `must specify one of ${allowed.join(", ")}`));
  } else if (!allowed.includes(sideEffects)) {
    errors.push(notSupported(`${path}.sideEffects`, sideEffects, allowed));
  }
  if (seconds !== undefined && (seconds > 30 || seconds < 1)) {
    const words = "the timeout value must be between 1 and 30 seconds";
    errors.push(invalidValue(`${path}.timeoutSeconds`, seconds, words));
  }
  const { allowInvalidValues } = rules;
  validateLabelSelector(errors, `${path}.namespaceSelector`, hook.namespaceSelector, { allowInvalidValues });
  validateLabelSelector(errors, `${path}.objectSelector`, hook.objectSelector, { allowInvalidValues });
  if ("reinvocationPolicy" in hook) {
    optionalOneOf(errors, `${path}.reinvocationPolicy`, hook.reinvocationPolicy, REINVOCATION);
  }
  validateWebhookClient(errors, `${path}.clientConfig`, hook.clientConfig);
  if (rules.checkConditions) validateMatchConditions(errors, `${path}.matchConditions`, hook.matchConditions);
}

/** A domain of three or more labels. */
function validateDomainName(errors: Errors, path: string, name: string): void {
  if (name === "") return void errors.push(required(path));
  const problems = isDns1123Subdomain(name);
  if (problems.length > 0) errors.push(invalidValue(path, name, problems.join(",")));
  else if (name.split(".").length < 3) {
    errors.push(invalidValue(path, name, "should be a domain with at least three segments separated by dots"));
  }
}

function validateReviewVersions(errors: Errors, path: string, versions: readonly string[], rules: Rules): void {
  if (versions.length === 0) {
    return void errors.push(required(path, `must specify one of ${REVIEW_VERSIONS.join(", ")}`));
  }
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) errors.push(invalidValue(`${path}[${i}]`, version, "duplicate version"));
    else invalidEach(errors, `${path}[${i}]`, version, isDns1035Label(version));
  }
  if (rules.knownVersion && !versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    const words = `must include at least one of ${REVIEW_VERSIONS.join(", ")}`;
    errors.push(invalidValue(path, versions, words));
  }
}

/** How a webhook is reached: one of an https URL and a service. */
export function validateWebhookClient(errors: Errors, path: string, config: v1.WebhookClientConfig): void {
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) {
    errors.push(required(path, "exactly one of url or service is required"));
  } else if (url !== undefined) validateUrl(errors, `${path}.url`, url);
  else if (service) validateService(errors, `${path}.service`, service);
}

const FORM = "; desired format: https://host[/path]";

function validateUrl(errors: Errors, path: string, text: string): void {
  const url = URL.parse(text);
  if (!url) {
    const scheme = /^[a-z][a-z0-9+.-]*:/i.test(text);
    if (scheme)
      return void errors.push(required(path, `url must be a valid URL: parse ${JSON.stringify(text)}${FORM}`));
    errors.push(invalidValue(path, "", `'https' is the only allowed URL scheme${FORM}`));
    return void errors.push(invalidValue(path, "", `host must be specified${FORM}`));
  }
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== "https") errors.push(invalidValue(path, scheme, `'https' is the only allowed URL scheme${FORM}`));
  if (url.host === "") errors.push(invalidValue(path, url.host, `host must be specified${FORM}`));
  const [user, secret] = [url.username, url.password];
  if (user !== "" || secret !== "") {
    const value = secret === "" ? user : `${user}:${secret}`;
    errors.push(invalidValue(path, value, "user information is not permitted in the URL"));
  }
  const [fragment, query] = [url.hash.slice(1), url.search.slice(1)];
  if (fragment !== "") errors.push(invalidValue(path, fragment, "fragments are not permitted in the URL"));
  if (query !== "") errors.push(invalidValue(path, query, "query parameters are not permitted in the URL"));
}

function validateService(errors: Errors, path: string, service: v1.ServiceReference): void {
  const { namespace, name, path: target, port = 443 } = service;
  // Upstream hands over the two names the wrong way round, and clients see it.
  if (!namespace) errors.push(required(`${path}.name`));
  if (!name) errors.push(required(`${path}.namespace`));
  const problems = isValidPortNumber(port);
  if (problems.length > 0) errors.push(invalidValue(`${path}.port`, port, `port is not valid: ${problems.join(", ")}`));
  if (target !== undefined) validateUrlPath(errors, `${path}.path`, target);
}

/** The path of a service's webhook: segments that are DNS subdomains. */
function validateUrlPath(errors: Errors, path: string, target: string): void {
  if (target === "" || target === "/") return;
  if (target === "//") return void errors.push(invalidValue(path, target, "segment[0] may not be empty"));
  if (!target.startsWith("/")) errors.push(invalidValue(path, target, "must start with a '/'"));
  const steps = target.slice(1).replace(/\/$/, "").split("/");
  for (const [i, step] of steps.entries()) {
    const problems = step === "" ? [" may not be empty"] : isDns1123Subdomain(step).map((problem) => `: ${problem}`);
    for (const problem of problems) errors.push(invalidValue(path, target, `segment[${i}]${problem}`));
  }
}
