import type { metav1 } from "../../api/index.ts";
import type { Env } from "../../kit/index.ts";
import {
  applyDefaults,
  badRequest,
  invalid,
  nameIsPathSegment,
  normalize,
  ParseError,
  validateStructure,
  validatePatchOptions,
  validateWriteOptions,
  withoutUnknown,
} from "../../machinery/index.ts";
import type { Store } from "../../store/index.ts";
import type { Grants } from "../authz/index.ts";
import { Predicate } from "../cache/index.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { readField } from "../catalog/fields.ts";
import type { Served, StoredKind } from "../catalog/kind.ts";
import type { AdmissionChain, Subject } from "../chain/admission.ts";
import type { Gate } from "../chain/authorize.ts";
import type { WriteCall } from "../registry/call.ts";
import type { ObjectStorage } from "../registry/storage.ts";
import { readObject } from "../request/decode.ts";
import type { ListOptions } from "../request/options.ts";
import type { RequestContext } from "../request/types.ts";
import type { ApiObject, Authenticator } from "../seams/index.ts";
import type { ServiceAccountTokens } from "../tokens/index.ts";
import type { Backends } from "./connect/backend.ts";

/** What all endpoints share. */
export interface Core {
  readonly env: Env;
  readonly store: Store;
  readonly storage: ObjectStorage;
  readonly catalog: Catalog;
  readonly admission: AdmissionChain;
  readonly gate: Gate;
  readonly backends: Backends;
  readonly authenticators: readonly Authenticator[];
  /** Absent: this server issues no tokens. */
  readonly tokens: ServiceAccountTokens | undefined;
  /** Whom tokens are for that do not say. */
  readonly audiences: readonly string[];
  /** Absent: what users may do is not known by rules. */
  readonly grants: Grants | undefined;
  /** Owners of fields are kept from an object's creation on, not only from the first apply. */
  readonly trackAllFields: boolean;
}

/** One request at its endpoint: the resource is served and allows the verb, and the user may use it. */
export interface BareCall {
  readonly core: Core;
  readonly context: RequestContext;
  readonly served: Served;
  /** The object's name; empty for collections. */
  readonly name: string;
  readonly namespace: string;
  readonly subresource: string;
}

/** A request for a resource that is stored. */
export interface EndpointCall extends BareCall {
  readonly kind: StoredKind;
}

/** The options all writes have in common. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  /** Server-side apply: take fields over from whoever owns them. */
  readonly force: boolean;
  readonly fieldValidation: "Strict" | "Warn" | "Ignore";
  /** As admission sees them. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** Reads and checks the options of a create, update or patch; `apply`: of a server-side apply. */
export function writeOptions(
  call: BareCall,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  apply = false,
): WriteOptions {
  const { query } = call.context.request;
  const dryRun = query.all("dryRun");
  const fieldManager = query.get("fieldManager");
  const force = query.has("force") ? query.flag("force") : undefined;
  const fieldValidation = query.get("fieldValidation");
  const raw = {
    kind,
    apiVersion: "meta.k8s.io/v1",
    ...(dryRun.length > 0 && { dryRun: [...dryRun] }),
    ...(fieldManager !== "" && { fieldManager }),
    ...(fieldValidation !== "" && { fieldValidation }),
    ...(force !== undefined && kind === "PatchOptions" && { force }),
  };
  const errors =
    kind === "PatchOptions" ? validatePatchOptions(raw as metav1.PatchOptions, apply) : validateWriteOptions(raw);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    force: force === true,
    fieldValidation: fieldValidation === "Strict" || fieldValidation === "Ignore" ? fieldValidation : "Warn",
    raw,
  };
}

export function subjectOf(call: BareCall, options: Pick<WriteOptions, "dryRun" | "raw">): Subject {
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
    warn: (message) => context.warn(message),
    validateAdmission,
  };
}

/** An object of another kind than the resource's (a TokenRequest), or of one that is not stored: checked and defaulted. */
export async function prepareKind(
  call: BareCall,
  kind: { readonly kind: string; readonly apiVersion: string },
  validation: WriteOptions["fieldValidation"],
): Promise<ApiObject> {
  const object = await readObject(call.context.request.body, kind);
  const unknown = structureOf(object);
  report(call, unknown, validation);
  return applyDefaults(normalize(object), { now: call.context.now });
}

function structureOf(object: ApiObject): string[] {
  try {
    return validateStructure(object);
  } catch (error) {
    if (error instanceof ParseError) throw badRequest(error.message);
    throw error;
  }
}

/** Checks the shape of an object of the served version and fills in defaults. */
export function prepareObject(
  call: EndpointCall,
  object: ApiObject,
  validation: WriteOptions["fieldValidation"],
  duplicates: readonly string[] = [],
): ApiObject {
  const { served } = call;
  const unknown: string[] = [];
  const prepared = served.model.prepare(object, unknown);
  report(call, [...unknown, ...withoutUnknown(duplicates, unknown)], validation);
  return prepared;
}

/** Refuses unknown fields, or warns of them, as the request asked. */
function report(
  { served, context }: BareCall,
  unknown: readonly string[],
  validation: WriteOptions["fieldValidation"],
): void {
  if (unknown.length > 0 && validation === "Strict") {
    const { kind, version } = served.resource;
    const text = unknown.join(", ");
    throw badRequest(
      `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: strict decoding error: ${text}`,
    );
  }
  if (validation === "Warn") for (const text of unknown) context.warn(text);
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
