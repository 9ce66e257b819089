import { apiVersionOf } from "../../api/index.ts";
import type { Env } from "../../kit/index.ts";
import { badRequest, invalid, nameIsPathSegment, validateWriteOptions } from "../../machinery/index.ts";
import type { Store } from "../../store/index.ts";
import { Predicate } from "../cache/index.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { readField } from "../catalog/fields.ts";
import type { Served, StoredKind } from "../catalog/kind.ts";
import { toHub } from "../catalog/view.ts";
import type { AdmissionChain, Subject } from "../chain/admission.ts";
import type { Gate } from "../chain/authorize.ts";
import type { WriteCall } from "../registry/call.ts";
import type { ObjectStorage } from "../registry/storage.ts";
import { kindOf, readObject } from "../request/decode.ts";
import type { ListOptions } from "../request/options.ts";
import type { RequestContext } from "../request/types.ts";
import type { ApiObject } from "../seams/index.ts";

/** What all endpoints share. */
export interface Core {
  readonly env: Env;
  readonly store: Store;
  readonly storage: ObjectStorage;
  readonly catalog: Catalog;
  readonly admission: AdmissionChain;
  readonly gate: Gate;
}

/** One request at its endpoint: the resource is served and allows the verb, and the user may use it. */
export interface EndpointCall {
  readonly core: Core;
  readonly context: RequestContext;
  readonly served: Served;
  readonly kind: StoredKind;
  /** The object's name; empty for collections. */
  readonly name: string;
  readonly namespace: string;
  readonly subresource: string;
}

/** The options all writes have in common. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: "Strict" | "Warn" | "Ignore";
  /** As admission sees them. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** Reads and checks the options of a create, update or patch. */
export function writeOptions(
  call: EndpointCall,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
): WriteOptions {
  const { query } = call.context.request;
  const dryRun = query.all("dryRun");
  const fieldManager = query.get("fieldManager");
  const fieldValidation = query.get("fieldValidation");
  const raw = {
    kind,
    apiVersion: "meta.k8s.io/v1",
    ...(dryRun.length > 0 && { dryRun: [...dryRun] }),
    ...(fieldManager !== "" && { fieldManager }),
    ...(fieldValidation !== "" && { fieldValidation }),
  };
  const errors = validateWriteOptions(raw);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: fieldValidation === "Strict" || fieldValidation === "Ignore" ? fieldValidation : "Warn",
    raw,
  };
}

export function subjectOf(call: EndpointCall, options: Pick<WriteOptions, "dryRun" | "raw">): Subject {
  const { context, namespace, name, subresource } = call;
  const { resource } = call.served;
  return { context, resource, subresource, namespace, name, options: options.raw, dryRun: options.dryRun };
}

/** The registry's view of the call. */
export function writeCall(
  call: EndpointCall,
  dryRun: boolean,
  validateAdmission: NonNullable<WriteCall["validateAdmission"]>,
): WriteCall {
  const { context, served, kind, namespace, subresource } = call;
  return {
    served,
    kind,
    namespace,
    user: context.user.name,
    subresource,
    dryRun,
    now: context.now,
    signal: context.signal,
    warn: (message) => context.warn(message),
    validateAdmission,
  };
}

/** The object in the request's body, checked, defaulted and in the hub's form; private to the caller. */
export async function readHubObject(
  call: EndpointCall,
  validation: WriteOptions["fieldValidation"],
): Promise<ApiObject> {
  const { context, served } = call;
  const object = await readObject(context.request.body, kindOf(served));
  return prepareObject(call, object, validation);
}

/** Checks the shape of an object of the served version, fills in defaults, and turns it into the hub's form. */
export function prepareObject(
  call: EndpointCall,
  object: ApiObject,
  validation: WriteOptions["fieldValidation"],
): ApiObject {
  const { context, served } = call;
  const unknown: string[] = [];
  const prepared = served.model.prepare(object, unknown);
  if (unknown.length > 0 && validation === "Strict") {
    throw badRequest(strictMessage(served, unknown));
  }
  if (validation === "Warn") for (const text of unknown) context.warn(text);
  return toHub(served, prepared);
}

function strictMessage({ resource }: Served, unknown: readonly string[]): string {
  const version = JSON.stringify(apiVersionOf(resource).split("/").at(-1));
  return `${resource.kind} in version ${version} cannot be handled as a ${resource.kind}: strict decoding error: ${unknown.join(", ")}`;
}

/** The predicate of a list or watch. */
export function predicateOf(call: EndpointCall, options: Pick<ListOptions, "labels" | "fields">): Predicate {
  const { namespace } = call;
  return new Predicate({ namespace, labels: options.labels, fields: options.fields, read: readField });
}

/** Refuses names that could not be anybody's. */
export function checkPathName(name: string): void {
  const problems = nameIsPathSegment(name, false);
  if (problems.length > 0) throw badRequest(`invalid name ${JSON.stringify(name)}: ${problems.join(", ")}`);
}
