import {
  badRequest,
  deepClone,
  internalError,
  jsonPatch,
  mergePatch,
  notFound,
  ParseError,
  strategicMergePatch,
  typeTableOfKind,
  unsupportedMediaType,
} from "../../machinery/index.ts";
import type { StoredObject } from "../cache/index.ts";
import type { Served } from "../catalog/kind.ts";
import { fromHub } from "../catalog/view.ts";
import { updateObject } from "../registry/update.ts";
import type { Answer } from "../request/answer.ts";
import { mediaTypeOf, readPatch } from "../request/decode.ts";
import type { ApiObject } from "../seams/index.ts";
import { type EndpointCall, prepareObject, subjectOf, writeCall, writeOptions } from "./call.ts";

type Patcher = (object: unknown, patch: unknown, served: Served) => unknown;

const PATCHERS: Readonly<Record<string, Patcher>> = {
  "application/json-patch+json": jsonPatch,
  "application/merge-patch+json": mergePatch,
  "application/strategic-merge-patch+json": (object, patch, { resource }) => {
    const table = typeTableOfKind(resource.group, resource.version, resource.kind);
    if (!table) throw unsupportedMediaType(["application/json-patch+json", "application/merge-patch+json"]);
    return strategicMergePatch(object, patch, table);
  },
};

/** PATCH of an object or of its status. */
export async function patchEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, served, context } = call;
  const { body } = context.request;
  const type = body.kind === "none" ? "" : mediaTypeOf(body.contentType);
  const apply = PATCHERS[type];
  if (!apply) throw unsupportedMediaType(Object.keys(PATCHERS));
  const options = writeOptions(call, "PatchOptions");
  const patch = await readPatch(body);
  const subject = subjectOf(call, options);
  const write = writeCall(call, options.dryRun, (next, old) => core.admission.validate(subject, "UPDATE", next, old));
  const outcome = await updateObject(core.storage, core.env.random, write, {
    name: call.name,
    build: async (old) => {
      if (!old) throw notFound(served.resource, call.name);
      const object = patched(call, old, (before) => apply(before, patch, served), options.fieldValidation);
      await core.admission.mutate(subject, "UPDATE", object, old as unknown as ApiObject);
      return object;
    },
  });
  return { type: "stored", status: 200, served, item: outcome.item };
}

/**
 * The patched object, checked and defaulted anew. Unless the patch says otherwise it has the old resourceVersion: then
 * a change in between makes the registry call again with the newer state.
 */
function patched(
  call: EndpointCall,
  old: StoredObject,
  apply: (before: unknown) => unknown,
  validation: "Strict" | "Warn" | "Ignore",
): ApiObject {
  const before = fromHub(call.served, old);
  const after = deepClone(runPatch(apply, before));
  if (typeof after !== "object" || after === null || Array.isArray(after)) {
    throw badRequest("the patch turns the object into something else: expected an object");
  }
  const object = after as ApiObject;
  if (typeof object.metadata !== "object" || object.metadata === null) object.metadata = {};
  const { name } = object.metadata;
  if (name !== call.name) {
    throw badRequest(`the name of the object (${String(name)}) does not match the name on the URL (${call.name})`);
  }
  return prepareObject(call, object, validation);
}

function runPatch(apply: (before: unknown) => unknown, before: unknown): unknown {
  try {
    return apply(before);
  } catch (error) {
    if (error instanceof ParseError) throw internalError(error.message);
    throw error;
  }
}
