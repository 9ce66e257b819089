import { type admissionregistrationv1 as v1, resources } from "../../../api/index.ts";
import type { Client, Informer, InformerFactory } from "../../../client/index.ts";
import { errorText } from "../../../kit/index.ts";
import { forbidden, StatusError } from "../../../machinery/index.ts";
import type { Admission, AdmissionRequest, Lookup, Operation } from "../../seams/index.ts";
import { isExempt } from "../webhooks/match.ts";
import type { CompiledPolicy } from "./compiled.ts";
import type { Judgement } from "./judge.ts";
import { matchesResources } from "./match.ts";
import { paramsFor, ParamsError } from "./params.ts";

/** What policies need. */
export interface PolicyParts {
  readonly informers: InformerFactory;
  readonly lookup: Lookup;
  /** The server's own identity, to tell in a policy's status that it was checked. */
  readonly client?: Client | undefined;
}

type Policy = v1.ValidatingAdmissionPolicy;
type Binding = v1.ValidatingAdmissionPolicyBinding;

/** ValidatingAdmissionPolicies: refuses what a bound policy's expressions refuse. */
export function validatingPolicies(parts: PolicyParts): Admission {
  return new ValidatingPolicies(parts);
}

class ValidatingPolicies implements Admission {
  readonly name = "ValidatingAdmissionPolicy";
  readonly #policies: Informer<Policy>;
  readonly #bindings: Informer<Binding>;
  readonly #compiled = new Map<string, CompiledPolicy>();
  readonly #lookup: Lookup;

  constructor({ informers, lookup, client }: PolicyParts) {
    this.#lookup = lookup;
    this.#policies = informers.informer(resources.validatingadmissionpolicies);
    this.#bindings = informers.informer(resources.validatingadmissionpolicybindings);
    const changed = (policy: Policy): void => {
      this.#compiled.delete(policy.metadata.name);
      if (client) void tellChecked(client, policy);
    };
    this.#policies.handle({
      added: changed,
      updated: changed,
      deleted: ({ metadata }) => void this.#compiled.delete(metadata.name),
    });
  }

  handles(_operation: Operation, resource: AdmissionRequest["resource"]): boolean {
    return !isExempt(resource) && (!this.#bindings.synced || this.#bindings.lister.size > 0);
  }

  async validate(request: AdmissionRequest, signal?: AbortSignal): Promise<void> {
    await Promise.all([this.#policies.whenSynced(signal), this.#bindings.whenSynced(signal)]);
    for (const policy of this.#policies.lister.list()) {
      const bound = [...this.#bindings.lister.list()].filter(({ spec }) => spec.policyName === policy.metadata.name);
      if (bound.length === 0 || !(await matchesResources(policy.spec.matchConstraints, request, this.#lookup)))
        continue;
      for (const binding of bound) {
        if (await matchesResources(binding.spec.matchResources, request, this.#lookup))
          await this.#apply(policy, binding, request);
      }
    }
  }

  async #apply(policy: Policy, binding: Binding, request: AdmissionRequest): Promise<void> {
    const compiled = await this.#compile(policy);
    const namespace =
      request.namespace === "" ? undefined : await this.#lookup.get(resources.namespaces, request.namespace);
    let params: readonly unknown[];
    try {
      params = await paramsFor(policy, binding, request, this.#lookup);
    } catch (error) {
      if (!(error instanceof ParamsError)) throw error;
      if (policy.spec.failurePolicy === "Ignore") return;
      throw denial(request, policy, binding, { message: `failed to configure binding: ${error.message}` });
    }
    const [{ activationOf }, { judge }] = await Promise.all([import("./activation.ts"), import("./judge.ts")]);
    for (const param of params) {
      const { judgements, annotations } = judge(compiled, activationOf(request, param, namespace));
      for (const [key, value] of annotations) request.annotate(`${policy.metadata.name}/${key}`, value);
      enforce(request, policy, binding, judgements);
    }
  }

  async #compile(policy: Policy): Promise<CompiledPolicy> {
    const known = this.#compiled.get(policy.metadata.name);
    if (known) return known;
    const { compilePolicy } = await import("./compiled.ts");
    const compiled = compilePolicy(policy);
    this.#compiled.set(policy.metadata.name, compiled);
    return compiled;
  }
}

function enforce(request: AdmissionRequest, policy: Policy, binding: Binding, judgements: readonly Judgement[]): void {
  const actions = binding.spec.validationActions ?? [];
  const [first] = judgements;
  if (!first) return;
  if (actions.includes("Warn")) {
    for (const { message } of judgements) {
      const names = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
      request.warn(`Validation failed for ${names}: ${message}`);
    }
  }
  if (actions.includes("Audit")) {
    const failures = judgements.map(({ message, index }) => ({
      message,
      policy: policy.metadata.name,
      binding: binding.metadata.name,
      expressionIndex: index,
      validationActions: actions,
    }));
    request.annotate("validation.policy.admission.k8s.io/validation_failure", JSON.stringify(failures));
  }
  if (actions.includes("Deny")) throw denial(request, policy, binding, first);
}

const CODES: Readonly<Record<string, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

function denial(
  request: AdmissionRequest,
  policy: Policy,
  binding: Binding,
  { message, reason = "Invalid" }: Pick<Judgement, "message"> & { readonly reason?: string },
): StatusError {
  const text = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${message}`;
  const { status } = forbidden(request.resource, request.name, text);
  const details = { ...status.details, causes: [{ message }] };
  return new StatusError({ ...status, reason, code: CODES[reason] ?? 422, details } as StatusError["status"]);
}

/** Says in a policy's status that this generation of it was looked at. */
async function tellChecked(client: Client, policy: Policy): Promise<void> {
  const { generation } = policy.metadata;
  if (policy.status?.observedGeneration === generation) return;
  const status = { ...policy.status, observedGeneration: generation, typeChecking: {} };
  try {
    await client
      .resource(resources.validatingadmissionpolicies)
      .update({ ...policy, status } as never, { subresource: "status" });
  } catch (error) {
    // Somebody changed or removed it: then its change comes here anew.
    if (!(error instanceof StatusError)) throw new Error(errorText(error), { cause: error });
  }
}
