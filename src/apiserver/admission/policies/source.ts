import { type admissionregistrationv1 as v1, resources } from "../../../api/index.ts";
import type { InformerFactory } from "../../../client/index.ts";
import { type Selector, selectorFrom } from "../../../machinery/index.ts";

/** What a policy or a binding is about. */
export interface Scope {
  readonly match: v1.MatchResources;
  readonly namespaces: Selector;
  readonly objects: Selector;
}

/** A policy with its bindings. One without bindings is in force nowhere. */
export interface BoundPolicy {
  readonly policy: v1.ValidatingAdmissionPolicy;
  readonly scope: Scope;
  readonly bindings: readonly { readonly binding: v1.ValidatingAdmissionPolicyBinding; readonly scope: Scope }[];
}

/** The policies in force. */
export interface PolicySource {
  /** Whether there may be any: cheap, and right also before all are known. */
  readonly any: boolean;
  /** Resolves once all are known. */
  all(signal?: AbortSignal): Promise<readonly BoundPolicy[]>;
}

/** Policies and bindings as they are stored. Call before the factory runs. */
export function livePolicies(informers: InformerFactory): PolicySource {
  const policies = informers.informer(resources.validatingadmissionpolicies);
  const bindings = informers.informer(resources.validatingadmissionpolicybindings);
  let bound: readonly BoundPolicy[] | undefined;
  const forget = (): void => {
    bound = undefined;
  };
  for (const informer of [policies, bindings]) informer.handle({ added: forget, updated: forget, deleted: forget });
  const isSynced = (): boolean => policies.synced && bindings.synced;
  return {
    get any() {
      return !isSynced() || (policies.lister.size > 0 && bindings.lister.size > 0);
    },
    async all(signal) {
      if (!isSynced()) await Promise.all([policies.whenSynced(signal), bindings.whenSynced(signal)]);
      return (bound ??= bindPolicies([...policies.lister.list()], [...bindings.lister.list()]));
    },
  };
}

/** Puts policies and bindings together, in the order of their names. */
export function bindPolicies(
  policies: readonly v1.ValidatingAdmissionPolicy[],
  bindings: readonly v1.ValidatingAdmissionPolicyBinding[],
): BoundPolicy[] {
  const named = <T extends { readonly metadata: { readonly name: string } }>(list: readonly T[]): T[] =>
    list.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const sorted = named(bindings);
  return named(policies).flatMap((policy) => {
    const own = sorted.filter(({ spec }) => spec.policyName === policy.metadata.name);
    if (own.length === 0) return [];
    const bound = own.map((binding) => ({ binding, scope: scopeOf(binding.spec.matchResources) }));
    return [{ policy, scope: scopeOf(policy.spec.matchConstraints), bindings: bound }];
  });
}

function scopeOf(match: v1.MatchResources = {}): Scope {
  return {
    match,
    namespaces: selectorFrom(match.namespaceSelector ?? {}),
    objects: selectorFrom(match.objectSelector ?? {}),
  };
}
