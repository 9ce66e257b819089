import type { admissionregistrationv1 as v1 } from "../../../api/index.ts";
import { internalError, timeout } from "../../../machinery/index.ts";
import type { Admission, AdmissionRequest } from "../../seams/index.ts";
import { ask, type AskParts } from "./ask.ts";
import { CallFailed, denial } from "./failures.ts";
import type { HookSource } from "./hooks.ts";
import { type Invocation, isExempt, match, type MatchParts } from "./match.ts";

/** What webhooks are matched and asked with. */
export interface WebhookParts extends MatchParts, AskParts {}

/** Asks all validating webhooks that are registered for a write, all at once. The first that says no is heard. */
export function validatingWebhooks(source: HookSource<v1.ValidatingWebhook>, parts: WebhookParts): Admission {
  return {
    name: "ValidatingAdmissionWebhook",
    handles: (_, resource) => source.any && !isExempt(resource),
    async validate(request, signal) {
      const hooks = await source.all(signal);
      const invocations: Invocation<v1.ValidatingWebhook>[] = [];
      for (const hook of hooks) {
        const invocation = await match(hook, request, parts, signal);
        if (invocation) invocations.push(invocation);
      }
      if (invocations.length === 0) return;
      if (signal?.aborted) throw timeout("request did not complete within requested timeout");
      const refusals: unknown[] = [];
      const asked = invocations.map((invocation, i) =>
        askOne(invocation, i, request, parts, signal).catch((error: unknown) => void refusals.push(error)),
      );
      // All are waited for: what they say for the audit log counts even when another one said no.
      await Promise.all(asked);
      if (refusals.length > 0) throw refusals[0];
    },
  };
}

async function askOne(
  invocation: Invocation<v1.ValidatingWebhook>,
  index: number,
  request: AdmissionRequest,
  parts: WebhookParts,
  signal?: AbortSignal,
): Promise<void> {
  const { hook, resource } = invocation;
  const { name, failurePolicy } = hook.webhook;
  const show = (object: AdmissionRequest["object"]): typeof object =>
    object && parts.versions.show(object, resource, request.subresource);
  const objects = { object: show(request.object), oldObject: show(request.oldObject) };
  try {
    const verdict = await ask(invocation, request, objects, parts, false, signal);
    if (!verdict.allowed) throw denial(name, verdict.result);
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    if (failurePolicy !== "Ignore") throw internalError(error);
    parts.env.log.warn("Failed to call a webhook; the request goes on", { webhook: name, error: error.message });
    request.annotate(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, name);
  }
}
