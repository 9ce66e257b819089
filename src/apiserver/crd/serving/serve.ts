import { createHash } from "node:crypto";
import { apiVersionOf, type GroupVersionKind, type Resource, type Subresource } from "../../../api/index.ts";
import { deepClone } from "../../../machinery/index.ts";
import { structuralOf } from "../../../machinery/structural/index.ts";
import type { ResourceCache } from "../../cache/index.ts";
import type { ScalePaths, Served, StoredKind } from "../../catalog/kind.ts";
import type { ApiObject } from "../../seams/index.ts";
import {
  type Definition,
  type DefinitionNames,
  type DefinitionVersion,
  holds,
  prefixOf,
  schemaOf,
} from "../definition/types.ts";
import { tableOfVersion } from "./columns.ts";
import { customModel, withoutPruning } from "./model.ts";
import { openApiOf } from "./openapi.ts";
import { customStrategy, pathNames, valueAt } from "./strategy.ts";

const VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const SUB_VERBS = ["get", "patch", "update"];
const SCALE_KIND: GroupVersionKind = ["autoscaling", "v1", "Scale"];

/** What a definition asks to be served, in all its served versions, under the names that it was given. */
export function servedOf(definition: Definition, names: DefinitionNames, cache: ResourceCache): Served[] {
  const { versions } = definition.spec;
  const storage = versions.find((version) => version.storage) ?? versions[0];
  if (!storage) return [];
  const hub = resourceOf(definition, names, storage);
  return versions
    .filter((version) => version.served)
    .map((version) => servedVersion(definition, names, version, hub, cache));
}

function servedVersion(
  definition: Definition,
  names: DefinitionNames,
  version: DefinitionVersion,
  hub: Resource,
  cache: ResourceCache,
): Served {
  const schema = schemaOf(version);
  const keeps = definition.spec.preserveUnknownFields === true || !schema;
  const own = structuralOf(schema ?? { type: "object" });
  const structural = keeps ? withoutPruning(own) : own;
  const { scale, status } = version.subresources ?? {};
  const resource = resourceOf(definition, names, version);
  const model = customModel(resource.kind, version.name, structural, {
    webhook: definition.spec.conversion?.strategy === "Webhook",
    own: apiVersionOf(resource),
    hub: apiVersionOf(hub),
  });
  const strategy = customStrategy({
    resource,
    namespaced: resource.namespaced,
    schema,
    structural,
    hasStatus: status !== undefined,
    scale,
    terminating: holds(definition, "Terminating"),
    read: (stored) => model.convert?.fromHub(deepClone(stored)) ?? stored,
  });
  // Not the same object as the version's own resource: what is stored may be older than its schema, and is read anew.
  const kind: StoredKind = { hub, prefix: cache.prefix, cache, strategy, returnsDeleted: false };
  return {
    resource,
    model,
    kind,
    fields: new Map(resource.selectableFields.map((field) => [field, field])),
    table: tableOfVersion(version),
    schema: openApiOf(schema, keeps),
    ...(scale && { scale: scalePaths(scale) }),
    ...(version.deprecated === true && { warnings: [version.deprecationWarning ?? deprecation(resource)] }),
  };
}

function deprecation({ group, version, kind }: Resource): string {
  return `${group}/${version} ${kind} is deprecated`;
}

function scalePaths(scale: NonNullable<NonNullable<DefinitionVersion["subresources"]>["scale"]>): ScalePaths {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return {
    specReplicas: pathNames(specReplicasPath),
    statusReplicas: pathNames(statusReplicasPath),
    selector(object) {
      const text = labelSelectorPath ? valueAt(object, labelSelectorPath) : undefined;
      return typeof text === "string" ? text : "";
    },
  };
}

function resourceOf(definition: Definition, names: DefinitionNames, version: DefinitionVersion): Resource<ApiObject> {
  const { group, scope } = definition.spec;
  const gvk: GroupVersionKind = [group, version.name, names.kind];
  const storage = definition.spec.versions.find((one) => one.storage)?.name ?? version.name;
  const { status, scale } = version.subresources ?? {};
  const subresources: Subresource[] = [
    ...(status ? [{ name: "status", verbs: SUB_VERBS, kind: gvk }] : []),
    ...(scale ? [{ name: "scale", verbs: SUB_VERBS, kind: SCALE_KIND }] : []),
  ];
  const fields = (version.selectableFields ?? []).map((field) => field.jsonPath.replace(/^\./, ""));
  return {
    group,
    version: version.name,
    resource: names.plural,
    singular: names.singular ?? "",
    kind: names.kind,
    namespaced: scope === "Namespaced",
    enabledByDefault: true,
    verbs: VERBS,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    responseKind: gvk,
    storage: [group, storage],
    storageVersionHash: storageHash(group, storage, names.kind),
    etcdPrefix: prefixOf(definition),
    subresources,
    selectableFields: ["metadata.name", ...(scope === "Namespaced" ? ["metadata.namespace"] : []), ...fields],
    createOnUpdate: false,
    unconditionalUpdate: false,
  };
}

function storageHash(group: string, version: string, kind: string): string {
  return createHash("sha256").update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString("base64");
}
