import { badRequest, deepClone, notFound, unsupportedMediaType } from "../../machinery/index.ts";
import type { StoredObject } from "../cache/index.ts";
import { fromHub } from "../catalog/view.ts";
import { updateObject } from "../registry/update.ts";
import type { Answer } from "../request/answer.ts";
import { mediaTypeOf, readValue } from "../request/decode.ts";
import type { ApiObject } from "../seams/index.ts";
import { mergePatch } from "./merge-patch.ts";
import { type EndpointCall, prepareObject, subjectOf, writeCall, writeOptions } from "./call.ts";

const PATCH_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

/** PATCH of an object or of its status. */
export async function patchEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, served, context } = call;
  const { body } = context.request;
  const type = body.kind === "none" ? "" : mediaTypeOf(body.contentType);
  const options = writeOptions(call, "PatchOptions");
  if (!PATCH_TYPES.includes(type)) throw unsupportedMediaType(PATCH_TYPES);
  const patch = await readValue(body);
  const apply = patcher(type, patch);
  const subject = subjectOf(call, options);
  const write = writeCall(call, options.dryRun, (next, old) => core.admission.validate(subject, "UPDATE", next, old));
  const outcome = await updateObject(core.storage, core.env.random, write, {
    name: call.name,
    build: async (old) => {
      if (!old) throw notFound(served.resource, call.name);
      const object = patched(call, old, apply, options.fieldValidation);
      await core.admission.mutate(subject, "UPDATE", object, old as unknown as ApiObject);
      return object;
    },
  });
  return { type: "stored", status: 200, served, item: outcome.item };
}

type Patcher = (object: unknown) => unknown;

function patcher(type: string, patch: unknown): Patcher {
  if (type === "application/merge-patch+json") return (object) => mergePatch(object, patch);
  throw unsupportedMediaType(["application/merge-patch+json"]);
}

/** The patched object, checked and defaulted anew; it insists on a resourceVersion only if the patch set one. */
function patched(
  call: EndpointCall,
  old: StoredObject,
  apply: Patcher,
  validation: "Strict" | "Warn" | "Ignore",
): ApiObject {
  const before = fromHub(call.served, old);
  const after = apply(deepClone(before));
  if (typeof after !== "object" || after === null || Array.isArray(after)) {
    throw badRequest(`the patch turns the object into something else: expected an object`);
  }
  const object = after as ApiObject;
  if (object.metadata.name !== old.metadata.name) {
    const message = `the name of the object (${String(object.metadata.name)}) does not match the name on the URL (${call.name})`;
    throw badRequest(message);
  }
  return prepareObject(call, object, validation);
}
