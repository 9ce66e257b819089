import type { GroupVersionKind, Resource } from "../../api/index.ts";
import type { Json } from "./model.ts";

/** One operation, before it takes the form of a flavour. */
export interface Operation {
  readonly path: string;
  readonly method: "get" | "put" | "post" | "delete" | "patch";
  readonly id: string;
  /** What upstream's extension x-kubernetes-action says. */
  readonly action: string;
  readonly kind: GroupVersionKind;
  /** The type of the body: a kind of the group and version, or `Patch`, `DeleteOptions`. */
  readonly body?: GroupVersionKind | "Patch" | "DeleteOptions";
  readonly answer: GroupVersionKind | "List" | "Status";
  readonly query: readonly (keyof typeof QUERY)[];
  readonly codes: readonly number[];
  /** Names in the path. */
  readonly names: readonly string[];
}

/** Query parameters, by name. */
export const QUERY = {
  allowWatchBookmarks: "boolean",
  continue: "string",
  dryRun: "string",
  fieldManager: "string",
  fieldSelector: "string",
  fieldValidation: "string",
  force: "boolean",
  gracePeriodSeconds: "integer",
  ignoreStoreReadErrorWithClusterBreakingPotential: "boolean",
  labelSelector: "string",
  limit: "integer",
  orphanDependents: "boolean",
  pretty: "string",
  propagationPolicy: "string",
  resourceVersion: "string",
  resourceVersionMatch: "string",
  sendInitialEvents: "boolean",
  timeoutSeconds: "integer",
  watch: "boolean",
} as const;

type Name = keyof typeof QUERY;

const LIST: readonly Name[] = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
];
const WRITE: readonly Name[] = ["dryRun", "fieldManager", "fieldValidation"];
const DELETE: readonly Name[] = [
  "dryRun",
  "gracePeriodSeconds",
  "ignoreStoreReadErrorWithClusterBreakingPotential",
  "orphanDependents",
  "propagationPolicy",
];

interface Verb {
  readonly method: Operation["method"];
  readonly action: string;
  readonly word: string;
  readonly body?: "Object" | "Patch" | "DeleteOptions";
  readonly answer: "Object" | "List" | "Status";
  readonly query: readonly Name[];
  readonly codes: readonly number[];
}

const COLLECTION: Readonly<Record<string, Verb>> = {
  list: { method: "get", action: "list", word: "list", answer: "List", query: LIST, codes: [200] },
  create: {
    method: "post",
    action: "post",
    word: "create",
    body: "Object",
    answer: "Object",
    query: WRITE,
    codes: [200, 201, 202],
  },
  deletecollection: {
    method: "delete",
    action: "deletecollection",
    word: "deleteCollection",
    body: "DeleteOptions",
    answer: "Status",
    query: [...LIST, ...DELETE].filter((name) => name !== "watch" && name !== "allowWatchBookmarks"),
    codes: [200],
  },
};

const SINGLE: Readonly<Record<string, Verb>> = {
  get: { method: "get", action: "get", word: "read", answer: "Object", query: [], codes: [200] },
  update: {
    method: "put",
    action: "put",
    word: "replace",
    body: "Object",
    answer: "Object",
    query: WRITE,
    codes: [200, 201],
  },
  patch: {
    method: "patch",
    action: "patch",
    word: "patch",
    body: "Patch",
    answer: "Object",
    query: [...WRITE, "force"],
    codes: [200, 201],
  },
  delete: {
    method: "delete",
    action: "delete",
    word: "delete",
    body: "DeleteOptions",
    answer: "Status",
    query: DELETE,
    codes: [200, 202],
  },
};
/** Subresources are created below a name. */
const SUB: Readonly<Record<string, Verb>> = { ...SINGLE, create: COLLECTION["create"] as Verb };
/** What carries bytes, not objects. */
const STREAMS = new Set(["exec", "attach", "portforward", "proxy", "log"]);

/** All operations of a resource, its subresources included; streams (exec, logs, proxies) are left out. */
export function operationsOf(resource: Resource): Operation[] {
  const { group, version, kind, namespaced, verbs } = resource;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const gvk: GroupVersionKind = [group, version, kind];
  const word = idWord(group, version);
  const scope = namespaced ? "Namespaced" : "";
  const names = namespaced ? ["namespace"] : [];
  const base = `${root}${namespaced ? "/namespaces/{namespace}" : ""}/${resource.resource}`;
  const out: Operation[] = [];
  const add = (verb: Verb | undefined, path: string, id: string, of: GroupVersionKind, at: readonly string[]): void => {
    if (!verb) return;
    const { method, action, query, codes, body, answer } = verb;
    const asks = body === "Object" ? of : body;
    const gives = answer === "Object" ? of : answer;
    const own = {
      path,
      method,
      id,
      action,
      kind: of,
      answer: gives,
      query: [...query, "pretty" as const],
      codes,
      names: at,
    };
    out.push({ ...own, ...(asks && { body: asks }) });
  };
  for (const verb of verbs) {
    const many = verb === "deletecollection" ? `delete${word}Collection` : `${COLLECTION[verb]?.word}${word}`;
    add(COLLECTION[verb], base, `${many}${scope}${kind}`, gvk, names);
    add(SINGLE[verb], `${base}/{name}`, `${SINGLE[verb]?.word}${word}${scope}${kind}`, gvk, ["name", ...names]);
  }
  if (namespaced && verbs.includes("list")) {
    add(COLLECTION["list"], `${root}/${resource.resource}`, `list${word}${kind}ForAllNamespaces`, gvk, []);
  }
  for (const sub of resource.subresources) {
    if (STREAMS.has(sub.name)) continue;
    const title = sub.name.charAt(0).toUpperCase() + sub.name.slice(1);
    for (const verb of sub.verbs) {
      const id = `${SUB[verb]?.word}${word}${scope}${kind}${title}`;
      add(SUB[verb], `${base}/{name}/${sub.name}`, id, sub.kind, ["name", ...names]);
    }
  }
  return out;
}

/** `AppsV1`, `CoreV1`, `RbacAuthorizationV1`. */
function idWord(group: string, version: string): string {
  const words = (group === "" ? "core" : group.replace(/\.k8s\.io$/, "")).split(".");
  return [...words, version].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

/** The extension that names a kind. */
export function kindJson([group, version, kind]: GroupVersionKind): Json {
  return { group, kind, version };
}
