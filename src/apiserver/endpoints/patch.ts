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
import { toHub } from "../catalog/view.ts";
import { updateObject } from "../registry/update.ts";
import type { Answer } from "../request/answer.ts";
import { mediaTypeOf, readPatch } from "../request/decode.ts";
import type { ApiObject } from "../seams/index.ts";
import { type EndpointCall, subjectOf, writeCall, type WriteOptions, writeOptions } from "./call.ts";
import { authorizeCreate } from "./authorize-create.ts";
import { applyTo, withOldTimes } from "./field-tracking.ts";
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

const APPLY = "application/apply-patch+yaml";

/** PATCH of an object, or of one of its subresources. */
export async function patchEndpoint(call: EndpointCall, view: ObjectView = wholeView(call)): Promise<Answer> {
  const { core, served, context } = call;
  const { body } = context.request;
  const type = body.kind === "none" ? "" : mediaTypeOf(body.contentType);
  const isApply = type === APPLY;
  const patcher = PATCHERS[type];
  if (!patcher && !isApply) throw unsupportedMediaType([...Object.keys(PATCHERS), APPLY]);
  const options = writeOptions(call, "PatchOptions", isApply);
  const duplicates: string[] = [];
  const patch = await readPatch(body, isApply && options.fieldValidation !== "Ignore" ? duplicates : undefined);
  if (duplicates.length > 0) {
    const text = `error strict decoding YAML: error converting YAML to JSON: ${duplicates.join(", ")}`;
    if (options.fieldValidation === "Strict") throw badRequest(text);
    context.warn(text);
  }
  const subject = subjectOf(call, options);
  const write = writeCall(call, options.dryRun, async (next, old) => {
    if (!old) await authorizeCreate(call);
    const [after, before] = [next && view.admitted(next), old && view.admitted(old)];
    await core.admission.validate(subject, old ? "UPDATE" : "CREATE", after, before);
  });
  const make = (old: StoredObject | undefined): ApiObject => {
    if (!patcher) return applied(call, view, old, patch, options);
    if (!old) throw notFound(served.resource, call.name);
    return patched(call, view, old, (before) => patcher(before, patch, view), options);
  };
  const outcome = await updateObject(core.storage, core.env.random, write, {
    name: call.name,
    forceCreate: isApply && call.subresource === "",
    build: async (old) => {
      const object = make(old);
      const before = old && view.admitted(old as unknown as ApiObject);
      await core.admission.mutate(subject, old ? "UPDATE" : "CREATE", object, before);
      return view.apply(object, old, options);
    },
  });
  return answerOf(call, view, outcome.item, outcome.created ? 201 : 200);
}

/** The stored object, or an empty one, with a configuration applied. */
function applied(
  call: EndpointCall,
  view: ObjectView,
  old: StoredObject | undefined,
  config: unknown,
  options: WriteOptions,
): ApiObject {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw badRequest("error decoding YAML: expected an object");
  }
  const object = deepClone(config) as ApiObject;
  if (typeof object.metadata !== "object" || object.metadata === null) object.metadata = {};
  if (object.metadata.name === undefined) object.metadata.name = call.name;
  if (object.metadata.namespace === undefined && call.namespace !== "") object.metadata.namespace = call.namespace;
  const live = old && view.show(old);
  const made = applyTo(call, live, object, options.force, options);
  // Checked for itself too, so that unknown fields are told of as the request asked.
  view.check(deepClone(object), options.fieldValidation);
  checkIdentity(call, view, made);
  const checked = withOldTimes(view.check(made, "Ignore"), live);
  return view.whole ? toHub(call.served, checked) : checked;
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
  options: WriteOptions,
): ApiObject {
  const after = deepClone(runPatch(apply, view.show(old)));
  if (typeof after !== "object" || after === null || Array.isArray(after)) {
    throw badRequest("the patch turns the object into something else: expected an object");
  }
  const object = after as ApiObject;
  if (typeof object.metadata !== "object" || object.metadata === null) object.metadata = {};
  checkIdentity(call, view, object);
  return view.settle(view.check(object, options.fieldValidation), old, options);
}

/** A patch changes neither name nor kind. */
function checkIdentity(call: EndpointCall, view: ObjectView, { kind, apiVersion, metadata }: ApiObject): void {
  const { name } = metadata;
  if (name !== call.name) {
    throw badRequest(`the name of the object (${String(name)}) does not match the name on the URL (${call.name})`);
  }
  if (kind !== view.kind.kind || apiVersion !== view.kind.apiVersion) {
    throw badRequest(
      `the patch may not change kind and apiVersion: expected ${view.kind.kind} of ${view.kind.apiVersion}`,
    );
  }
}

function runPatch(apply: (before: unknown) => unknown, before: unknown): unknown {
  try {
    return apply(before);
  } catch (error) {
    if (error instanceof ParseError) throw internalError(error.message);
    throw error;
  }
}
