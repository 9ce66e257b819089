import { apiVersionOf, type GroupVersionKind, type Resource } from "../../api/index.ts";
import { parseApiVersion, type TypeTable, typeTable, typeTableOfKind } from "../../machinery/index.ts";
import type { Served } from "../catalog/kind.ts";
import { type Flavour, type Json, Schemas } from "./model.ts";
import { kindJson, type Operation, operationsOf, QUERY } from "./operations.ts";

const INFO = { title: "Kubernetes", version: "v1.35.2" };
const JSON_TYPES = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const PATCH_TYPES = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/** The OpenAPI v3 document of one group and version. */
export function v3Document(all: readonly Served[]): Json {
  const builder = new Builder("v3", all);
  const paths = builder.paths();
  return {
    openapi: "3.0.0",
    info: INFO,
    paths,
    components: {
      schemas: builder.schemas.all,
      securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    },
  };
}

/** The OpenAPI v2 document of everything. */
export function v2Document(all: readonly Served[]): Json {
  const builder = new Builder("v2", all);
  const paths = builder.paths();
  return {
    swagger: "2.0",
    info: INFO,
    paths,
    definitions: builder.schemas.all,
    securityDefinitions: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    security: [{ BearerToken: [] }],
  };
}

/** Builds one document. */
class Builder {
  readonly schemas: Schemas;
  readonly #served: readonly Served[];
  readonly #flavour: Flavour;
  readonly #byKind = new Map<string, Served>();

  constructor(flavour: Flavour, served: readonly Served[]) {
    this.#flavour = flavour;
    this.#served = served;
    for (const one of served) {
      const { group, version, kind } = one.resource;
      this.#byKind.set(`${group}/${version}/${kind}`, one);
    }
    const versions = [...new Set(served.map(({ resource }) => apiVersionOf(resource)))].toSorted();
    this.schemas = new Schemas(flavour, (table) => kindsOf(table, versions));
  }

  paths(): Json {
    const paths: Record<string, Json> = {};
    const operations = this.#served.flatMap(({ resource }) =>
      operationsOf(resource).map((op) => [op, resource] as const),
    );
    for (const [operation, resource] of operations.toSorted(([a], [b]) =>
      a.path < b.path ? -1 : a.path > b.path ? 1 : 0,
    )) {
      const item = (paths[operation.path] ??= { parameters: this.#pathParameters(operation) });
      item[operation.method] = this.#operation(operation, resource);
    }
    return paths;
  }

  #operation(operation: Operation, resource: Resource): Json {
    const { group, version } = resource;
    const tag = `${(group === "" ? "core" : group.replace(/\.k8s\.io$/, "")).replaceAll(/[.-]/g, "")}_${version}`;
    const common = {
      tags: [tag],
      operationId: operation.id,
      "x-kubernetes-action": operation.action,
      "x-kubernetes-group-version-kind": kindJson(operation.kind),
    };
    return this.#flavour === "v3" ? { ...common, ...this.#v3(operation) } : { ...common, ...this.#v2(operation) };
  }

  #v3(operation: Operation): Json {
    const answer = this.#answer(operation);
    const content = Object.fromEntries(JSON_TYPES.map((type) => [type, { schema: answer }]));
    const body = this.#body(operation);
    const types = operation.body === "Patch" ? PATCH_TYPES : ["*/*"];
    return {
      parameters: operation.query.map((name) => ({
        name,
        in: "query",
        schema: { type: QUERY[name], uniqueItems: true },
      })),
      ...(body && {
        requestBody: {
          content: Object.fromEntries(types.map((type) => [type, { schema: body }])),
          ...(operation.body !== "DeleteOptions" && { required: true }),
        },
      }),
      responses: responses(operation, { content }),
    };
  }

  #v2(operation: Operation): Json {
    const body = this.#body(operation);
    const named = operation.query.map((name) => ({ name, in: "query", type: QUERY[name], uniqueItems: true }));
    const required = operation.body !== "DeleteOptions" && { required: true };
    return {
      consumes: operation.body === "Patch" ? PATCH_TYPES : ["*/*"],
      produces: JSON_TYPES,
      schemes: ["https"],
      parameters: [...(body ? [{ name: "body", in: "body", ...required, schema: body }] : []), ...named],
      responses: responses(operation, { schema: this.#answer(operation) }),
    };
  }

  #pathParameters({ names }: Operation): readonly Json[] {
    return names.map((name) => {
      const common = { name, in: "path", required: true };
      return this.#flavour === "v3"
        ? { ...common, schema: { type: "string", uniqueItems: true } }
        : { ...common, type: "string", uniqueItems: true };
    });
  }

  #body({ body }: Operation): Json | undefined {
    if (body === undefined) return undefined;
    if (body === "Patch" || body === "DeleteOptions") return this.#meta(body);
    return this.#kind(body);
  }

  #answer({ answer, kind }: Operation): Json {
    if (answer === "Status") return this.#meta("Status");
    if (answer === "List") return this.#list(kind);
    return this.#kind(answer);
  }

  #meta(name: string): Json {
    if (name === "Patch") {
      return this.schemas.add("io.k8s.apimachinery.pkg.apis.meta.v1.Patch", { type: "object" });
    }
    const table = typeTable(`meta.v1.${name}`);
    return table ? this.schemas.of(table) : { type: "object" };
  }

  #kind([group, version, kind]: GroupVersionKind): Json {
    const custom = this.#byKind.get(`${group}/${version}/${kind}`)?.schema?.[this.#flavour];
    if (custom) return this.schemas.add(customName(group, version, kind), this.#custom(custom, [group, version, kind]));
    const table = typeTableOfKind(group, version, kind);
    return table ? this.schemas.of(table) : { type: "object" };
  }

  #list([group, version, kind]: GroupVersionKind): Json {
    const table = typeTableOfKind(group, version, `${kind}List`);
    if (table) return this.schemas.of(table);
    const items = { type: "array", items: this.#kind([group, version, kind]) };
    const properties = {
      apiVersion: { type: "string" },
      items,
      kind: { type: "string" },
      metadata: this.#meta("ListMeta"),
    };
    return this.schemas.add(customName(group, version, `${kind}List`), {
      type: "object",
      required: ["items"],
      properties,
      "x-kubernetes-group-version-kind": [kindJson([group, version, `${kind}List`])],
    });
  }

  /** A custom resource's schema, with the metadata that all objects have. */
  #custom(schema: Json, gvk: GroupVersionKind): Json {
    const extension = { "x-kubernetes-group-version-kind": [kindJson(gvk)] };
    if (Object.keys(schema).every((name) => name === "type")) return { ...schema, ...extension };
    const properties = (schema["properties"] ?? {}) as Json;
    const meta = this.#meta("ObjectMeta");
    return {
      ...schema,
      type: "object",
      properties: {
        ...properties,
        apiVersion: { description: META_TEXT["apiVersion"], type: "string" },
        kind: { description: META_TEXT["kind"], type: "string" },
        metadata: { description: META_TEXT["metadata"], ...(this.#flavour === "v3" ? { allOf: [meta] } : meta) },
      },
      ...extension,
    };
  }
}

/** What upstream says of the fields that all objects have. */
const META_TEXT: Readonly<Record<string, string>> = {
  apiVersion:
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources",
  kind: "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
  metadata:
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
};

/** `example.com`, `v1`, `Foo` → `com.example.v1.Foo`. */
function customName(group: string, version: string, kind: string): string {
  return `${group.split(".").toReversed().join(".")}.${version}.${kind}`;
}

const CODES: Readonly<Record<number, string>> = { 200: "OK", 201: "Created", 202: "Accepted" };

function responses(operation: Operation, content: Json): Json {
  const good = operation.codes.map((code) => [String(code), { description: CODES[code], ...content }]);
  return Object.fromEntries([...good, ["401", { description: "Unauthorized" }]]);
}

/** The kinds that a type stands for: DeleteOptions and WatchEvent are of every group. */
function kindsOf(table: TypeTable, versions: readonly string[]): readonly Json[] {
  if (!table.byName.has("kind") || !table.byName.has("apiVersion")) {
    return table.name === "meta.v1.WatchEvent" ? everywhere("WatchEvent", versions) : [];
  }
  const kind = table.name.slice(table.name.lastIndexOf(".") + 1);
  if (table.name === "meta.v1.DeleteOptions") return everywhere(kind, versions);
  if (table.name.startsWith("meta.v1.")) return [kindJson(["", "v1", kind])];
  for (const apiVersion of versions) {
    const { group, version } = parseApiVersion(apiVersion);
    if (typeTableOfKind(group, version, kind) === table) return [kindJson([group, version, kind])];
  }
  return KINDS_ELSEWHERE[table.name] ?? [];
}

/** Bodies of subresources that are of another group than the resource. */
const KINDS_ELSEWHERE: Readonly<Record<string, readonly Json[]>> = {
  "autoscaling.v1.Scale": [kindJson(["autoscaling", "v1", "Scale"])],
  "policy.v1.Eviction": [kindJson(["policy", "v1", "Eviction"])],
  "authentication.v1.TokenRequest": [kindJson(["authentication.k8s.io", "v1", "TokenRequest"])],
};

function everywhere(kind: string, versions: readonly string[]): readonly Json[] {
  return versions.map((apiVersion) => {
    const { group, version } = parseApiVersion(apiVersion);
    return kindJson([group, version, kind]);
  });
}
