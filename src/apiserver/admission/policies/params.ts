import { allResources, type admissionregistrationv1 as v1, type Resource, resources } from "../../../api/index.ts";
import { parseApiVersion, selectorFrom } from "../../../machinery/index.ts";
import type { Lookup } from "../../seams/index.ts";

/** Finds the resource of a kind, a built-in or a custom one; undefined: there is none. */
export async function resourceOfKind(
  { apiVersion = "", kind = "" }: v1.ParamKind,
  lookup: Lookup,
): Promise<Resource | undefined> {
  const { group, version } = parseApiVersion(apiVersion);
  const builtin = allResources.find(
    (one) => one.group === group && one.version === version && one.kind === kind && one.storage,
  );
  if (builtin) return builtin;
  const definitions = await lookup.list(resources.customresourcedefinitions);
  const definition = definitions.find(({ spec }) => spec.group === group && spec.names.kind === kind);
  if (!definition?.spec.versions.some(({ name, served }) => name === version && served)) return undefined;
  const { names, scope } = definition.spec;
  const like = resources.customresourcedefinitions as Resource;
  return { ...like, group, version, resource: names.plural, kind: names.kind, namespaced: scope === "Namespaced" };
}

type Param = { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } };

/**
 * The objects that a policy is to be evaluated with: `undefined` alone when it takes none. Throws an Error that says
 * what is wrong with the binding.
 */
export async function collectParams(
  kind: v1.ParamKind | undefined,
  ref: v1.ParamRef | undefined,
  resource: Resource | undefined,
  namespace: string,
  lookup: Lookup,
): Promise<readonly (object | undefined)[]> {
  if (!kind || !ref) return [undefined];
  if (!resource) throw new Error(`paramKind kind \`${kind.kind ?? ""}\` not known`);
  const where = placeOf(ref, resource, namespace);
  const typed = resource as Resource<Param>;
  let params: readonly Param[];
  if (ref.name) {
    if (ref.selector) throw new Error("paramRef.name and paramRef.selector are mutually exclusive");
    const found = await lookup.get(typed, ref.name, where);
    params = found ? [found] : [];
  } else if (ref.selector) {
    const selector = selectorFrom(ref.selector);
    params = (await lookup.list(typed, where)).filter(({ metadata }) => selector.matches(metadata.labels));
  } else throw new Error("one of name or selector must be provided");
  if (params.length === 0 && ref.parameterNotFoundAction === "Deny") {
    throw new Error("no params found for policy binding with `Deny` parameterNotFoundAction");
  }
  // What is in a list has no kind of its own.
  return params.map((param) => ({ apiVersion: kind.apiVersion, kind: kind.kind, ...param }));
}

function placeOf(ref: v1.ParamRef, { namespaced }: Resource, namespace: string): string | undefined {
  if (!namespaced) {
    if (ref.namespace) throw new Error("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
    return undefined;
  }
  const where = ref.namespace || namespace;
  if (where === "") {
    throw new Error("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
  }
  return where;
}
