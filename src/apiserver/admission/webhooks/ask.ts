import type { Env } from "../../../kit/index.ts";
import { badRequest, decodeJson, encodeJson, quote, statusErrorFrom } from "../../../machinery/index.ts";
import type { AdmissionRequest, ApiObject, Lookup } from "../../seams/index.ts";
import { addressOf, type HookAnswer, type HookCaller } from "./caller.ts";
import { CallFailed } from "./failures.ts";
import type { Invocation } from "./match.ts";
import { readVerdict, reviewOf, reviewVersion, type Verdict } from "./review.ts";

/** What asking webhooks needs. */
export interface AskParts {
  readonly env: Env;
  readonly lookup: Lookup;
  readonly caller: HookCaller;
}

const DEFAULT_SECONDS = 10;

/** The objects of a write, in the version that a webhook wants. */
export interface ShownObjects {
  readonly object: ApiObject | undefined;
  readonly oldObject: ApiObject | undefined;
}

/**
 * Asks one webhook about a write. Its warnings and audit annotations are passed on. Rejects with {@link CallFailed} when
 * there was no answer, or none that can be used; with a `StatusError` when it must not be asked about a dry run.
 */
export async function ask(
  invocation: Invocation,
  request: AdmissionRequest,
  objects: ShownObjects,
  parts: AskParts,
  mutating: boolean,
  signal?: AbortSignal,
): Promise<Verdict> {
  const { webhook } = invocation.hook;
  const { name, sideEffects, timeoutSeconds: seconds = DEFAULT_SECONDS } = webhook;
  if (request.dryRun && sideEffects !== "None" && sideEffects !== "NoneOnDryRun") {
    throw badRequest(`admission webhook ${quote(name)} does not support dry run`);
  }
  const version = reviewVersion(invocation);
  if (version === undefined) {
    const words = "webhook does not accept known AdmissionReview versions (v1, v1beta1)";
    throw new CallFailed(name, `could not create admission objects: ${words}`);
  }
  const asked = { version, uid: parts.env.random.uuid() };
  const body = encodeJson(reviewOf(invocation, request, asked, objects));
  const answer = await post(invocation, body, seconds, parts, signal);
  let verdict: Verdict;
  try {
    verdict = readVerdict(answer, asked, mutating);
  } catch (error) {
    throw new CallFailed(name, `received invalid webhook response: ${(error as Error).message}`);
  }
  for (const [key, value] of Object.entries(verdict.annotations)) request.annotate(`${name}/${key}`, value);
  for (const warning of verdict.warnings) request.warn(warning);
  return verdict;
}

async function post(
  { hook }: Invocation,
  body: Uint8Array,
  seconds: number,
  { env, lookup, caller }: AskParts,
  signal?: AbortSignal,
): Promise<unknown> {
  const deadline = new AbortController();
  const timer = env.clock.setTimer(seconds * 1000, () => deadline.abort(new Error("context deadline exceeded")));
  const both = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
  try {
    const address = await addressOf(hook.webhook, seconds, lookup);
    return read(await caller.post(address, body, both));
  } catch (error) {
    throw new CallFailed(hook.webhook.name, `failed to call webhook: ${(error as Error).message}`);
  } finally {
    timer.cancel();
  }
}

/** The decoded answer. Throws for everything but success, as Go's client does. */
function read({ status, body }: HookAnswer): unknown {
  const text = Buffer.from(body).toString("utf8");
  let value: unknown;
  try {
    value = decodeJson(text);
  } catch (error) {
    if (status < 400) throw new Error(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
  if (status >= 200 && status < 300) return value;
  const told = statusErrorFrom(value);
  if (told) throw told;
  if (status === 404) throw new Error("the server could not find the requested resource");
  if (status >= 500) {
    throw new Error(`an error on the server (${quote(text.trim())}) has prevented the request from succeeding`);
  }
  throw new Error(`the server rejected our request for an unknown reason`);
}
