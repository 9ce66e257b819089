import type { admissionregistrationv1 as v1 } from "../../../api/index.ts";
import {
  decodeJson,
  deepClone,
  internalError,
  jsonPatch,
  quote,
  semanticEqual,
  StatusError,
  timeout,
} from "../../../machinery/index.ts";
import type { Admission, AdmissionRequest, ApiObject } from "../../seams/index.ts";
import { ask } from "./ask.ts";
import { CallFailed, denial } from "./failures.ts";
import type { Hook, HookSource } from "./hooks.ts";
import { type Invocation, isExempt, match } from "./match.ts";
import type { WebhookParts } from "./validating.ts";
import type { Verdict } from "./review.ts";

/** Lets the plugins before this one have another look at an object that webhooks changed. */
export type Readmit = (request: AdmissionRequest, signal?: AbortSignal) => Promise<void>;

/**
 * Asks the mutating webhooks that are registered for a write, one after the other, and applies what they want changed.
 * When they changed something the plugins before get another look, and so do those webhooks that asked for it.
 */
export function mutatingWebhooks(
  source: HookSource<v1.MutatingWebhook>,
  parts: WebhookParts,
  readmit: Readmit,
): Admission {
  return {
    name: "MutatingAdmissionWebhook",
    handles: (_, resource) => source.any && !isExempt(resource),
    async admit(request, signal) {
      const hooks = await source.all(signal);
      if (hooks.length === 0) return;
      const rounds = new Rounds(request, parts);
      await rounds.ask(hooks, signal);
      if (!rounds.changed) return;
      const before = deepClone(request.object);
      await readmit(request, signal);
      await rounds.askAgain(hooks, !semanticEqual(before, request.object), signal);
    },
  };
}

/** One write on its way past the webhooks: at most twice past each. */
class Rounds {
  readonly #request: AdmissionRequest;
  readonly #parts: WebhookParts;
  /** Asked already, and to be asked again if something changes after. */
  #watching = new Set<string>();
  readonly #again = new Set<string>();
  #round = 0;
  changed = false;

  constructor(request: AdmissionRequest, parts: WebhookParts) {
    this.#request = request;
    this.#parts = parts;
  }

  async ask(hooks: readonly Hook<v1.MutatingWebhook>[], signal?: AbortSignal): Promise<void> {
    for (const [index, hook] of hooks.entries()) {
      const invocation = await match(hook, this.#request, this.#parts, signal);
      if (!invocation || (this.#round > 0 && !this.#again.has(hook.uid))) continue;
      const changed = await this.#askOne(invocation, index, signal);
      if (changed) this.#tellWatching();
      if (hook.webhook.reinvocationPolicy === "IfNeeded") this.#watching.add(hook.uid);
    }
  }

  async askAgain(
    hooks: readonly Hook<v1.MutatingWebhook>[],
    changedInBetween: boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    if (changedInBetween) this.#tellWatching();
    this.#round = 1;
    if (this.#again.size > 0) await this.ask(hooks, signal);
  }

  #tellWatching(): void {
    this.changed = true;
    for (const uid of this.#watching) this.#again.add(uid);
    this.#watching = new Set();
  }

  /** Whether the object is another one after. */
  async #askOne(invocation: Invocation<v1.MutatingWebhook>, index: number, signal?: AbortSignal): Promise<boolean> {
    const { webhook, configuration } = invocation.hook;
    const place = `round_${this.#round}_index_${index}`;
    let mutated = false;
    try {
      mutated = await this.#apply(invocation, place, signal);
      return mutated;
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (webhook.failurePolicy !== "Ignore") throw internalError(error);
      if (signal?.aborted) throw timeout("request did not complete within requested timeout");
      const details = { webhook: webhook.name, error: error.message };
      this.#parts.env.log.warn("Failed to call a webhook; the request goes on", details);
      this.#request.annotate(`failed-open.mutation.webhook.admission.k8s.io/${place}`, webhook.name);
      return false;
    } finally {
      const note = JSON.stringify({ configuration, webhook: webhook.name, mutated });
      this.#request.annotate(`mutation.webhook.admission.k8s.io/${place}`, note);
    }
  }

  async #apply(invocation: Invocation<v1.MutatingWebhook>, place: string, signal?: AbortSignal): Promise<boolean> {
    const { hook, resource } = invocation;
    const { name } = hook.webhook;
    const { object, oldObject, subresource } = this.#request;
    const { versions } = this.#parts;
    const show = (shown: ApiObject | undefined): ApiObject | undefined =>
      shown && versions.show(shown, resource, subresource);
    const objects = { object: show(object), oldObject: show(oldObject) };
    const verdict = await ask(invocation, this.#request, objects, this.#parts, true, signal);
    if (!verdict.allowed) throw denial(name, verdict.result);
    const patch = patchOf(name, verdict);
    if (patch.length === 0) return false;
    if (!object || !objects.object) {
      const words = "attempted to modify the object, which is not supported for this operation";
      throw internalError(`admission webhook ${quote(name)} ${words}`);
    }
    const next = this.#patched(objects.object, patch, invocation);
    const changed = !semanticEqual(object, next);
    if (changed) replace(object, next);
    const note = { configuration: hook.configuration, webhook: name, patch, patchType: "JSONPatch" };
    this.#request.annotate(`patch.webhook.admission.k8s.io/${place}`, JSON.stringify(note));
    return changed;
  }

  #patched(object: ApiObject, patch: readonly unknown[], { resource }: Invocation): ApiObject {
    const { versions } = this.#parts;
    try {
      const patched = jsonPatch(object, patch) as ApiObject;
      return versions.take(patched, resource, this.#request.subresource);
    } catch (error) {
      // A patch that does not fit is the webhook's fault, not the client's.
      const cause = error instanceof StatusError ? error.cause : error;
      throw internalError(cause ?? error);
    }
  }
}

function patchOf(name: string, { patch, patchType }: Verdict): readonly unknown[] {
  if (patch === "") return [];
  let decoded: unknown;
  try {
    decoded = decodeJson(Buffer.from(patch, "base64"));
  } catch (error) {
    throw new CallFailed(name, `received undecodable patch in webhook response: ${(error as Error).message}`);
  }
  if (!Array.isArray(decoded)) {
    const words = "json: cannot unmarshal object into Go value of type jsonpatch.Patch";
    throw new CallFailed(name, `received undecodable patch in webhook response: ${words}`);
  }
  if (decoded.length > 0 && patchType !== "JSONPatch") {
    throw new CallFailed(name, `unsupported patch type ${quote(patchType)}`);
  }
  return decoded as readonly unknown[];
}

/** Others hold on to the object: what changes is what is in it. */
function replace(object: ApiObject, next: ApiObject): void {
  for (const field of Object.keys(object)) delete object[field];
  Object.assign(object, next);
}
