import { type admissionregistrationv1 as v1, allResources, type Resource, resources } from "../../../api/index.ts";
import { parseApiVersion, selectorFrom } from "../../../machinery/index.ts";
import type { AdmissionRequest, ApiObject, Lookup } from "../../seams/index.ts";

/** Why a binding's parameters can't be had. */
export class ParamsError extends Error {}

/** The parameters to judge a request by, one after the other; `[undefined]`: the policy has none. Throws {@link ParamsError}. */
export async function paramsFor(
  policy: v1.ValidatingAdmissionPolicy,
  binding: v1.ValidatingAdmissionPolicyBinding,
  request: AdmissionRequest,
  lookup: Lookup,
): Promise<readonly unknown[]> {
  const { paramKind } = policy.spec;
  const { paramRef } = binding.spec;
  if (!paramKind || !paramRef) return [undefined];
  const resource = await resourceOf(paramKind, lookup);
  if (!resource)
    throw new ParamsError(
      `failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`,
    );
  const namespace = resource.namespaced ? paramRef.namespace || request.namespace : undefined;
  if (namespace === "")
    throw new ParamsError("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
  const found = await select(paramRef, resource, namespace, lookup);
  if (found.length > 0 || paramRef.parameterNotFoundAction === "Allow") return found;
  throw new ParamsError("no params found for policy binding with `Deny` parameterNotFoundAction");
}

async function select(
  { name, selector }: v1.ParamRef,
  resource: Resource,
  namespace: string | undefined,
  lookup: Lookup,
): Promise<readonly unknown[]> {
  if (name) {
    const one = await lookup.get(resource, name, namespace);
    return one === undefined ? [] : [one];
  }
  const wanted = selectorFrom(selector ?? {});
  const all = (await lookup.list(resource, namespace)) as readonly ApiObject[];
  return all.filter(({ metadata }) => wanted.matches(metadata["labels"] as Record<string, string> | undefined));
}

async function resourceOf({ apiVersion = "", kind }: v1.ParamKind, lookup: Lookup): Promise<Resource | undefined> {
  const { group, version } = parseApiVersion(apiVersion);
  const builtin = allResources.find(
    (one) => one.group === group && one.version === version && one.kind === kind && one.storage,
  );
  if (builtin) return builtin;
  const definitions = await lookup.list(resources.customresourcedefinitions);
  const definition = definitions.find(({ spec }) => spec.group === group && spec.names.kind === kind);
  if (!definition) return undefined;
  const { names, scope } = definition.spec;
  const template = resources.customresourcedefinitions as Resource;
  return { ...template, group, version, resource: names.plural, kind: names.kind, namespaced: scope === "Namespaced" };
}
