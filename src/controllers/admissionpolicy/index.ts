import { resources } from "../../api/index.ts";
import { discover } from "../../client/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { Loop } from "../common/loop.ts";

const FIELD_MANAGER = "validatingadmissionpolicy-status";

/** ValidatingAdmissionPolicies whose expressions do not suit the objects that they are about say so in their status. */
export const admissionPolicyStatusController: ControllerDefinition = {
  name: "validatingadmissionpolicy-status-controller",
  account: "validatingadmissionpolicy-status-controller",
  create: (context) => {
    const policies = context.caches.informer(resources.validatingadmissionpolicies);
    const definitions = context.caches.informer(resources.customresourcedefinitions);
    const client = context.client.resource(resources.validatingadmissionpolicies);
    const loop = new Loop({
      context,
      informers: [policies, definitions],
      reconcile: async (name, signal) => {
        const policy = policies.lister.get(name);
        if (policy === undefined) return;
        const generation = policy.metadata.generation ?? 0;
        if (generation <= (policy.status.observedGeneration ?? 0)) return;
        // Expressions are few; what reads them is loaded with the first.
        const [{ reviewPolicy }, served] = await Promise.all([import("./review.ts"), discover(context.client, signal)]);
        const expressionWarnings = reviewPolicy(policy, { served, definitions: definitions.lister.list() });
        const typeChecking = expressionWarnings.length === 0 ? {} : { expressionWarnings };
        const body = {
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "ValidatingAdmissionPolicy",
          metadata: { name },
          status: { observedGeneration: generation, typeChecking },
        };
        const options = { subresource: "status", fieldManager: FIELD_MANAGER, signal };
        await client.patch({ name }, { type: "apply", body, force: true }, options);
      },
    });
    loop.follow(policies);
    return loop;
  },
};
