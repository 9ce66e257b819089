import { badRequest, invalid, validateDeleteOptions } from "../../machinery/index.ts";
import { deleteObject, type DeleteRequest } from "../registry/delete.ts";
import { readValue } from "../request/decode.ts";
import { integer } from "../request/options.ts";
import type { Answer } from "../request/answer.ts";
import { type EndpointCall, subjectOf, writeCall } from "./call.ts";

/** DeleteOptions, from the body or the query. */
export interface DeleteOptions extends Omit<DeleteRequest, "name"> {
  readonly dryRun: boolean;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** DELETE of one object. */
export async function deleteEndpoint(call: EndpointCall): Promise<Answer> {
  const options = await deleteOptions(call);
  const { served, kind } = call;
  const { item, removed } = await deleteNamed(call, call.name, options);
  const waits = !removed && options.orphanDependents === false;
  if (!removed || kind.returnsDeleted) return { type: "stored", status: waits ? 202 : 200, served, item };
  const { name, uid } = item.object.metadata;
  const { group, resource } = served.resource;
  const details = { name, ...(group !== "" && { group }), kind: resource, uid };
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
  return { type: "object", status: 200, object: status };
}

/** Deletes one object of the call's kind and namespace. */
export async function deleteNamed(
  call: EndpointCall,
  name: string,
  options: DeleteOptions,
): ReturnType<typeof deleteObject> {
  const { core } = call;
  const subject = { ...subjectOf(call, options), name };
  const write = writeCall(call, options.dryRun, (_next, old) =>
    core.admission.validate(subject, "DELETE", undefined, old),
  );
  return deleteObject(core.storage, write, { ...options, name });
}

/** Reads and checks the options of a delete or deletecollection. */
export async function deleteOptions(call: EndpointCall): Promise<DeleteOptions> {
  const { request } = call.context;
  const raw = (await bodyOptions(call)) ?? queryOptions(call);
  const errors = validateDeleteOptions(raw);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  const dryRun = raw.dryRun ?? request.query.all("dryRun");
  return {
    gracePeriodSeconds: raw.gracePeriodSeconds,
    propagationPolicy: raw.propagationPolicy,
    orphanDependents: raw.orphanDependents,
    preconditions: raw.preconditions,
    dryRun: dryRun.length > 0,
    raw: { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...raw },
  };
}

interface RawOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

async function bodyOptions(call: EndpointCall): Promise<RawOptions | undefined> {
  const value = await readValue(call.context.request.body);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) {
    throw badRequest("decoded object cannot be converted to DeleteOptions");
  }
  const { kind } = value as { kind?: unknown };
  if (kind !== undefined && kind !== "" && kind !== "DeleteOptions") {
    throw badRequest("decoded object cannot be converted to DeleteOptions");
  }
  return value as RawOptions;
}

function queryOptions(call: EndpointCall): RawOptions {
  const { query } = call.context.request;
  const grace = integer(query, "gracePeriodSeconds");
  const dryRun = query.all("dryRun");
  return {
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    ...(query.has("propagationPolicy") && { propagationPolicy: query.get("propagationPolicy") }),
    ...(query.has("orphanDependents") && { orphanDependents: query.flag("orphanDependents") }),
    ...(dryRun.length > 0 && { dryRun: [...dryRun] }),
  };
}
