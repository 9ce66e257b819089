import { type admissionregistrationv1 as v1, type corev1, resources } from "../../../api/index.ts";
import { failure, notFound } from "../../../machinery/index.ts";
import type { Admission, AdmissionRequest, Authorizer, Lookup } from "../../seams/index.ts";
import { isResource, refusal } from "../common.ts";
import { isExempt } from "../webhooks/match.ts";
import type { Versions } from "../webhooks/versions.ts";
import { type Matched, matchScope } from "./match.ts";
import { collectParams, resourceOfKind } from "./params.ts";
import type { BoundPolicy, PolicySource } from "./source.ts";
import type { Judgement, Validator } from "./validator.ts";
import type { RememberingAuthorizer } from "./values.ts";

/** What policies are evaluated with. */
export interface PolicyParts {
  readonly lookup: Lookup;
  readonly versions: Versions;
  readonly authorizers: () => readonly Authorizer[];
}

/** A refusal with who refuses: the first one is told. */
interface Refusal {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly message: string;
  readonly reason: string;
}

type Binding = v1.ValidatingAdmissionPolicyBinding;
/** The expression language is loaded with the first policy. */
type Language = typeof import("./lazy.ts");

const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };
const INVALID = 422;
const MAX_ANNOTATION = 10 * 1024;

/** Refuses what users' policies do not allow. */
export function validatingPolicies(source: PolicySource, parts: PolicyParts): Admission {
  let loading: Promise<Language> | undefined;
  const validators = new WeakMap<v1.ValidatingAdmissionPolicy, Validator>();
  return {
    name: "ValidatingAdmissionPolicy",
    handles: (_, resource) => source.any && !isExempt(resource),
    async validate(request, signal) {
      const policies = await source.all(signal);
      if (policies.length === 0) return;
      const language = await (loading ??= import("./lazy.ts"));
      const validatorOf = (policy: v1.ValidatingAdmissionPolicy): Validator => {
        const validator = validators.get(policy) ?? new language.Validator(policy);
        validators.set(policy, validator);
        return validator;
      };
      const authorizer = new language.RememberingAuthorizer(parts.authorizers(), signal);
      const review = new Review(request, parts, authorizer);
      for (const bound of policies) await review.policy(bound, validatorOf);
      review.conclude();
    },
  };
}

/** One write before all policies. */
class Review {
  readonly #request: AdmissionRequest;
  readonly #parts: PolicyParts;
  readonly #authorizer: RememberingAuthorizer;
  readonly #refusals: Refusal[] = [];

  constructor(request: AdmissionRequest, parts: PolicyParts, authorizer: RememberingAuthorizer) {
    this.#request = request;
    this.#parts = parts;
    this.#authorizer = authorizer;
  }

  async policy(
    { policy, scope, bindings }: BoundPolicy,
    validatorOf: (policy: v1.ValidatingAdmissionPolicy) => Validator,
  ): Promise<void> {
    const { lookup, versions } = this.#parts;
    const matched = await this.#configured(policy, undefined, () => matchScope(scope, this.#request, versions, lookup));
    if (!matched) return;
    const { paramKind } = policy.spec;
    const resource = paramKind && (await resourceOfKind(paramKind, lookup));
    if (paramKind && !resource) {
      const kind = `${paramKind.apiVersion ?? ""}, Kind=${paramKind.kind ?? ""}`;
      const words = `failed to find resource referenced by paramKind: '${kind}'`;
      await this.#configured(policy, undefined, () => Promise.reject(new Error(words)));
      return;
    }
    const annotations = new Map<string, Set<string>>();
    for (const { binding, scope: where } of bindings) {
      const params = await this.#configured(policy, binding, async () => {
        if (!(await matchScope(where, this.#request, versions, lookup))) return undefined;
        return collectParams(paramKind, binding.spec.paramRef, resource, this.#request.namespace, lookup);
      });
      if (!params) continue;
      const namespace = await this.#namespace();
      for (const param of params) {
        const judgement = await this.#judge(validatorOf(policy), matched, param, namespace);
        this.#note(policy, binding, judgement, annotations);
      }
    }
    for (const [key, values] of annotations) {
      this.#request.annotate(`${policy.metadata.name}/${key}`, [...values].join(", "));
    }
  }

  /** What a policy or binding says of itself may make no sense; unless it fails open, that is a refusal. */
  async #configured<T>(
    policy: v1.ValidatingAdmissionPolicy,
    binding: Binding | undefined,
    read: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (policy.spec.failurePolicy === "Ignore") return undefined;
      const what = binding ? "binding" : "policy";
      this.#refusals.push({
        policy: policy.metadata.name,
        binding: binding?.metadata.name,
        message: `failed to configure ${what}: ${(error as Error).message}`,
        reason: "",
      });
      return undefined;
    }
  }

  async #namespace(): Promise<corev1.Namespace | undefined> {
    const { namespace, resource } = this.#request;
    if (namespace === "" || isResource(resource, "namespaces")) return undefined;
    const found = await this.#parts.lookup.get(resources.namespaces, namespace);
    if (!found) throw notFound(resources.namespaces, namespace);
    return found;
  }

  #judge(
    validator: Validator,
    { resource, kind }: Matched,
    params: object | undefined,
    namespace: corev1.Namespace | undefined,
  ): Promise<Judgement> {
    const { object, oldObject, subresource } = this.#request;
    const show = (shown: typeof object): typeof object =>
      shown && this.#parts.versions.show(shown, resource, subresource);
    const objects = { object: show(object), oldObject: show(oldObject) };
    const input = { request: this.#request, resource, kind, ...objects, params, namespace };
    return this.#authorizer.settle(() => validator.judge(input, this.#authorizer.authorize));
  }

  #note(
    policy: v1.ValidatingAdmissionPolicy,
    binding: Binding,
    { denials, annotations, annotationErrors }: Judgement,
    collected: Map<string, Set<string>>,
  ): void {
    const names = { policy: policy.metadata.name, binding: binding.metadata.name };
    const actions = binding.spec.validationActions ?? [];
    for (const { index, message, reason } of denials) {
      for (const action of actions) {
        if (action === "Deny") this.#refusals.push({ ...names, message, reason });
        if (action === "Warn") {
          const who = `ValidatingAdmissionPolicy '${names.policy}' with binding '${names.binding}'`;
          this.#request.warn(`Validation failed for ${who}: ${message}`);
        }
        if (action === "Audit") {
          const value = { message, policy: binding.spec.policyName, binding: names.binding };
          const note = [{ ...value, expressionIndex: index, validationActions: actions }];
          this.#request.annotate("validation.policy.admission.k8s.io/validation_failure", JSON.stringify(note));
        }
      }
    }
    for (const { key, value } of annotations) {
      collected.set(key, (collected.get(key) ?? new Set()).add(value.slice(0, MAX_ANNOTATION)));
    }
    for (const message of annotationErrors) this.#refusals.push({ ...names, message, reason: "" });
  }

  conclude(): void {
    const [first] = this.#refusals;
    if (!first) return;
    const who = `ValidatingAdmissionPolicy '${first.policy}'`;
    const where = first.binding === undefined ? "" : ` with binding '${first.binding}'`;
    const message = `${who}${where} denied request: ${first.message}`;
    const { status } = refusal(this.#request, message);
    const reason = first.reason || "Invalid";
    const causes = [...(status.details?.causes ?? []), { message }];
    throw failure({
      code: CODES[reason] ?? INVALID,
      reason,
      message: status.message ?? message,
      details: { ...status.details, causes },
    });
  }
}
