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
import { updateObject } from "../registry/update.ts";
import type { Answer } from "../request/answer.ts";
import { mediaTypeOf, readPatch } from "../request/decode.ts";
import type { ApiObject } from "../seams/index.ts";
import { type EndpointCall, subjectOf, writeCall, type WriteOptions, writeOptions } from "./call.ts";
import { answerOf } from "./get.ts";
import { type ObjectView, wholeView } from "./object-view.ts";

type Patcher = (object: unknown, patch: unknown, view: ObjectView) => unknown;

const PATCHERS: Readonly<Record<string, Patcher>> = {
  "application/json-patch+json": jsonPatch,
  "application/merge-patch+json": mergePatch,
  "application/strategic-merge-patch+json": (object, patch, { type }) => {
    const table = type && typeTableOfKind(...type);
    if (!table) throw unsupportedMediaType(["application/json-patch+json", "application/merge-patch+json"]);
    return strategicMergePatch(object, patch, table);
  },
};

/** PATCH of an object, or of one of its subresources. */
export async function patchEndpoint(call: EndpointCall, view: ObjectView = wholeView(call)): Promise<Answer> {
  const { core, served, context } = call;
  const { body } = context.request;
  const patcher = PATCHERS[body.kind === "none" ? "" : mediaTypeOf(body.contentType)];
  if (!patcher) throw unsupportedMediaType(Object.keys(PATCHERS));
  const options = writeOptions(call, "PatchOptions");
  const patch = await readPatch(body);
  const subject = subjectOf(call, options);
  const write = writeCall(call, options.dryRun, (next, old) =>
    core.admission.validate(subject, "UPDATE", next && view.admitted(next), old && view.admitted(old)),
  );
  const outcome = await updateObject(core.storage, core.env.random, write, {
    name: call.name,
    build: async (old) => {
      if (!old) throw notFound(served.resource, call.name);
      const object = patched(call, view, old, (before) => patcher(before, patch, view), options.fieldValidation);
      await core.admission.mutate(subject, "UPDATE", object, view.admitted(old as unknown as ApiObject));
      return view.apply(object, old);
    },
  });
  return answerOf(call, view, outcome.item, 200);
}

/**
 * The patched object, checked and defaulted anew. Unless the patch says otherwise it has the old resourceVersion: then
 * a change in between makes the registry call again with the newer state.
 */
function patched(
  call: EndpointCall,
  view: ObjectView,
  old: StoredObject,
  apply: (before: unknown) => unknown,
  validation: WriteOptions["fieldValidation"],
): ApiObject {
  const after = deepClone(runPatch(apply, view.show(old)));
  if (typeof after !== "object" || after === null || Array.isArray(after)) {
    throw badRequest("the patch turns the object into something else: expected an object");
  }
  const object = after as ApiObject;
  if (typeof object.metadata !== "object" || object.metadata === null) object.metadata = {};
  const { name } = object.metadata;
  if (name !== call.name) {
    throw badRequest(`the name of the object (${String(name)}) does not match the name on the URL (${call.name})`);
  }
  if (object.kind !== view.kind.kind || object.apiVersion !== view.kind.apiVersion) {
    throw badRequest(
      `the patch may not change kind and apiVersion: expected ${view.kind.kind} of ${view.kind.apiVersion}`,
    );
  }
  return view.check(object, validation);
}

function runPatch(apply: (before: unknown) => unknown, before: unknown): unknown {
  try {
    return apply(before);
  } catch (error) {
    if (error instanceof ParseError) throw internalError(error.message);
    throw error;
  }
}
