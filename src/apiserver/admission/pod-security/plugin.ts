import { type appsv1, type batchv1, type corev1, resources } from "../../../api/index.ts";
import type { Clock } from "../../../kit/index.ts";
import { errorText, forbidden, getControllerOf, internalError, invalid } from "../../../machinery/index.ts";
import type { Admission, AdmissionRequest, Lookup } from "../../seams/index.ts";
import { isResource } from "../common.ts";
import { type Complaint, type Subject } from "./checks.ts";
import { createEvaluator, describeComplaints } from "./evaluate.ts";
import { type Policy, policyOf, PREFIX, type Standard, standardText, strictness } from "./levels.ts";

/** What holds where namespaces say nothing, and to whom nothing applies. */
export interface PodSecurityOptions {
  readonly defaults?: Policy;
  readonly exemptions?: {
    readonly usernames?: readonly string[];
    readonly namespaces?: readonly string[];
    readonly runtimeClasses?: readonly string[];
  };
}

const PRIVILEGED: Standard = { level: "privileged", minor: Infinity };
const NO_POLICY: Policy = { enforce: PRIVILEGED, audit: PRIVILEGED, warn: PRIVILEGED };
const QUIET = new Set(["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"]);
/** Resources that make pods, and where their template lies. */
const TEMPLATES: Readonly<Record<string, (object: unknown) => corev1.PodTemplateSpec | undefined>> = {
  podtemplates: (object) => (object as corev1.PodTemplate).template,
  replicationcontrollers: (object) => (object as corev1.ReplicationController).spec.template,
  "replicasets.apps": (object) => (object as appsv1.ReplicaSet).spec.template,
  "deployments.apps": (object) => (object as appsv1.Deployment).spec.template,
  "statefulsets.apps": (object) => (object as appsv1.StatefulSet).spec.template,
  "daemonsets.apps": (object) => (object as appsv1.DaemonSet).spec.template,
  "jobs.batch": (object) => (object as batchv1.Job).spec.template,
  "cronjobs.batch": (object) => (object as batchv1.CronJob).spec.jobTemplate.spec.template,
};
const MAX_PODS = 3000;
const MAX_MS = 1000;

/** Refuses pods that break the Pod Security Standard of their namespace, and warns of those who would make such pods. */
export function podSecurity(lookup: Lookup, clock: Clock, options: PodSecurityOptions = {}): Admission {
  const guard = new PodSecurity(lookup, clock, options);
  return {
    name: "PodSecurity",
    handles: (operation, resource, subresource) => {
      if (operation !== "CREATE" && operation !== "UPDATE") return false;
      if (isResource(resource, "pods")) return !QUIET.has(subresource);
      return subresource === "" && (isResource(resource, "namespaces") || templateOf(resource) !== undefined);
    },
    async validate(request) {
      if (isResource(request.resource, "pods")) await guard.checkPod(request);
      else if (isResource(request.resource, "namespaces")) await guard.checkNamespace(request);
      else await guard.checkTemplate(request);
    },
  };
}

function templateOf(resource: AdmissionRequest["resource"]): (typeof TEMPLATES)[string] | undefined {
  const { group, resource: name } = resource;
  return TEMPLATES[group === "" ? name : `${name}.${group}`];
}

class PodSecurity {
  readonly #lookup: Lookup;
  readonly #clock: Clock;
  readonly #defaults: Policy;
  readonly #evaluate = createEvaluator();
  readonly #exempt: { readonly [K in "usernames" | "namespaces" | "runtimeClasses"]: ReadonlySet<string> };

  constructor(lookup: Lookup, clock: Clock, { defaults = NO_POLICY, exemptions = {} }: PodSecurityOptions) {
    this.#lookup = lookup;
    this.#clock = clock;
    this.#defaults = defaults;
    this.#exempt = {
      usernames: new Set(exemptions.usernames),
      namespaces: new Set(exemptions.namespaces),
      runtimeClasses: new Set(exemptions.runtimeClasses),
    };
  }

  async checkPod(request: AdmissionRequest): Promise<void> {
    if (this.#isExempt(request)) return;
    const namespace = await this.#lookup.get(resources.namespaces, request.namespace);
    if (!namespace) throw internalError(`failed to lookup namespace ${JSON.stringify(request.namespace)}`);
    const { policy, errors } = policyOf(namespace.metadata.labels, this.#defaults);
    if (errors.length === 0 && isPrivileged(policy)) {
      return request.annotate(`${PREFIX}enforce-policy`, standardText(PRIVILEGED));
    }
    const pod = request.object as unknown as corev1.Pod;
    if (request.operation === "UPDATE" && !changesImages(pod, request.oldObject as unknown as corev1.Pod)) return;
    this.#check(request, pod, policy, errors.map(errorText), true);
  }

  async checkTemplate(request: AdmissionRequest): Promise<void> {
    if (this.#isExempt(request)) return;
    const namespace = await this.#lookup.get(resources.namespaces, request.namespace);
    if (!namespace) return;
    const { policy, errors } = policyOf(namespace.metadata.labels, this.#defaults);
    if (errors.length === 0 && policy.warn.level === "privileged" && policy.audit.level === "privileged") return;
    const template = templateOf(request.resource)?.(request.object);
    if (template) this.#check(request, template as Subject, policy, errors.map(errorText), false);
  }

  #isExempt({ namespace, user, annotate }: AdmissionRequest): boolean {
    const why = this.#exempt.namespaces.has(namespace)
      ? "namespace"
      : this.#exempt.usernames.has(user.name)
        ? "user"
        : undefined;
    if (why) annotate(`${PREFIX}exempt`, why);
    return why !== undefined;
  }

  #check(
    request: AdmissionRequest,
    subject: Subject,
    policy: Policy,
    problems: readonly string[],
    enforce: boolean,
  ): void {
    if (this.#exempt.runtimeClasses.has(subject.spec.runtimeClassName ?? "")) {
      return request.annotate(`${PREFIX}exempt`, "runtimeClass");
    }
    if (problems.length > 0) request.annotate(`${PREFIX}error`, `Failed to parse policy: ${problems.join(", ")}`);
    const known = new Map<string, Complaint[]>();
    const judge = (standard: Standard): { name: string; complaints: Complaint[] } => {
      const name = standardText(standard);
      const complaints = known.get(name) ?? this.#evaluate(standard, subject);
      known.set(name, complaints);
      return { name, complaints };
    };
    const { name, complaints } = enforce ? judge(policy.enforce) : { name: "", complaints: [] };
    if (enforce) request.annotate(`${PREFIX}enforce-policy`, name);
    const audit = judge(policy.audit);
    if (audit.complaints.length > 0) request.annotate(`${PREFIX}audit-violations`, wouldViolate(audit));
    if (complaints.length > 0) {
      const words = `violates PodSecurity ${JSON.stringify(name)}: ${describeComplaints(complaints)}`;
      throw forbidden(request.resource, request.name, words);
    }
    const warn = judge(policy.warn);
    if (warn.complaints.length > 0) request.warn(wouldViolate(warn));
  }

  /** Labels must make sense, and who tightens a policy learns which pods break it already. */
  async checkNamespace(request: AdmissionRequest): Promise<void> {
    const namespace = request.object as unknown as corev1.Namespace;
    const next = policyOf(namespace.metadata.labels, this.#defaults);
    const kind = { group: "", kind: "Namespace" };
    if (request.operation === "CREATE") {
      if (next.errors.length > 0) throw invalid(kind, request.name, next.errors);
      return this.#warnExempt(request, namespace, next.policy);
    }
    const old = policyOf((request.oldObject as unknown as corev1.Namespace).metadata.labels, this.#defaults);
    const same = next.errors.map(errorText).join() === old.errors.map(errorText).join();
    if (next.errors.length > 0 && !same) throw invalid(kind, request.name, next.errors);
    const [wanted, before] = [next.policy.enforce, old.policy.enforce];
    const looser = wanted.minor === before.minor && strictness(wanted.level) <= strictness(before.level);
    if (looser || wanted.level === "privileged") return;
    if (this.#exempt.namespaces.has(request.namespace || namespace.metadata.name)) {
      return this.#warnExempt(request, namespace, next.policy);
    }
    for (const warning of await this.#judgePods(namespace.metadata.name, wanted)) request.warn(warning);
  }

  #warnExempt(request: AdmissionRequest, { metadata }: corev1.Namespace, policy: Policy): void {
    if (!this.#exempt.namespaces.has(metadata.name) || isPrivileged(policy)) return;
    const modes = (["enforce", "audit", "warn"] as const).filter((mode) => {
      const labels = metadata.labels ?? {};
      const says = labels[PREFIX + mode] !== undefined || labels[`${PREFIX}${mode}-version`] !== undefined;
      return says && policy[mode].level !== "privileged";
    });
    const text = modes.map((mode) => `${mode}=${standardText(policy[mode])}`).join(", ");
    const who = `namespace ${JSON.stringify(metadata.name)} is exempt from Pod Security`;
    request.warn(`${who}, and the policy (${text}) will be ignored`);
  }

  async #judgePods(namespace: string, standard: Standard): Promise<string[]> {
    const pods = onePerController(
      (await this.#lookup.list(resources.pods, namespace)).filter(
        (pod) => !this.#exempt.runtimeClasses.has(pod.spec.runtimeClassName ?? ""),
      ),
    );
    const until = this.#clock.monotonic() + MAX_MS;
    const violations = new Map<string, string[]>();
    let checked = 0;
    for (const pod of pods.slice(0, MAX_PODS)) {
      checked++;
      const reasons = this.#evaluate(standard, pod).map((complaint) => complaint.reason);
      const text = reasons.join(", ");
      if (reasons.length > 0) violations.set(text, [...(violations.get(text) ?? []), pod.metadata.name]);
      if (this.#clock.monotonic() > until) break;
    }
    const level = JSON.stringify(standardText(standard));
    return [
      ...(checked < pods.length
        ? [`new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`]
        : []),
      ...(violations.size > 0
        ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${level}`]
        : []),
      ...[...violations].map(([text, names]) => `${describePods(names)}: ${text}`).toSorted(),
    ];
  }
}

function wouldViolate({ name, complaints }: { name: string; complaints: readonly Complaint[] }): string {
  return `would violate PodSecurity ${JSON.stringify(name)}: ${describeComplaints(complaints)}`;
}

function isPrivileged({ enforce, audit, warn }: Policy): boolean {
  return [enforce, audit, warn].every(({ level }) => level === "privileged");
}

/** Whether an update can break a rule that its pod kept: nothing that the rules look at changes but along with an image. */
function changesImages(pod: corev1.Pod, old: corev1.Pod): boolean {
  for (const list of ["containers", "initContainers"] as const) {
    const [next, before] = [pod.spec[list] ?? [], old.spec[list] ?? []];
    if (next.length !== before.length || next.some((c, i) => c.image !== before[i]?.image)) return true;
  }
  const before = new Map((old.spec.ephemeralContainers ?? []).map((c) => [c.name, c.image]));
  return (pod.spec.ephemeralContainers ?? []).some((c) => !before.has(c.name) || before.get(c.name) !== c.image);
}

/** Pods of one controller are alike: the first of each come before all others. */
function onePerController(pods: readonly corev1.Pod[]): corev1.Pod[] {
  const seen = new Set<string>();
  const [first, rest]: [corev1.Pod[], corev1.Pod[]] = [[], []];
  for (const pod of pods) {
    const owner = getControllerOf(pod)?.uid;
    (owner !== undefined && seen.has(owner) ? rest : first).push(pod);
    if (owner !== undefined) seen.add(owner);
  }
  return [...first, ...rest];
}

function describePods(names: readonly string[]): string {
  const [first = ""] = names.toSorted();
  if (names.length === 1) return first;
  return `${first} (and ${names.length - 1} other ${names.length === 2 ? "pod" : "pods"})`;
}
