import type { Document, YAMLMap, YAMLSeq } from "yaml";
import type { WriteOptions } from "./write.ts";
import { editKubeconfig } from "./write.ts";

/** The lists of a kubeconfig, and what each calls its entries. */
const ENTRY = { clusters: "cluster", users: "user", contexts: "context" } as const;
type ListName = keyof typeof ENTRY;

/** A context with its own cluster and user, all of one name. */
export interface ContextEntry {
  readonly name: string;
  readonly server: string;
  /** PEM. */
  readonly caData?: string;
  /** PEM. */
  readonly clientCertData?: string;
  /** PEM. */
  readonly clientKeyData?: string;
  readonly token?: string;
  readonly namespace?: string;
}

/** Puts a context, its cluster and its user into a file, replacing those of the name, and makes it the current one. */
export function addContext(path: string, entry: ContextEntry, options: WriteOptions = {}): Promise<void> {
  const { name } = entry;
  return editKubeconfig(
    path,
    (document) => {
      setEntry(document, "clusters", name, {
        ...(entry.caData && { "certificate-authority-data": base64(entry.caData) }),
        server: entry.server,
      });
      setEntry(document, "users", name, {
        ...(entry.clientCertData && { "client-certificate-data": base64(entry.clientCertData) }),
        ...(entry.clientKeyData && { "client-key-data": base64(entry.clientKeyData) }),
        ...(entry.token && { token: entry.token }),
      });
      setEntry(document, "contexts", name, {
        cluster: name,
        ...(entry.namespace && { namespace: entry.namespace }),
        user: name,
      });
      setCurrent(document, name);
      return true;
    },
    options,
  );
}

/** Sets what the file calls its current context. */
export function setCurrentContext(path: string, name: string, options: WriteOptions = {}): Promise<void> {
  return editKubeconfig(
    path,
    (document) => {
      if (document.get("current-context") === name) return false;
      setCurrent(document, name);
      return true;
    },
    options,
  );
}

/**
 * Takes a context out of a file, with its cluster and user unless other contexts use them. A file that does not have it
 * stays untouched.
 */
export function removeContext(path: string, name: string, options: WriteOptions = {}): Promise<void> {
  return editKubeconfig(
    path,
    (document) => {
      const context = findEntry(document, "contexts", name)?.get("context") as YAMLMap | undefined;
      if (!context) return false;
      removeEntry(document, "contexts", name);
      for (const [list, field] of [
        ["clusters", "cluster"],
        ["users", "user"],
      ] as const) {
        const used = context.get(field);
        if (typeof used === "string" && !isUsed(document, field, used)) removeEntry(document, list, used);
      }
      if (document.get("current-context") === name) setCurrent(document, "");
      return true;
    },
    options,
  );
}

/** A node of its own, because a scalar would keep the quotes of the one before. */
function setCurrent(document: Document, name: string): void {
  document.set("current-context", document.createNode(name));
}

/** Puts an entry into one of the lists, replacing the one of its name. */
export function setEntry(document: Document, list: ListName, name: string, value: object): void {
  if (!document.get(list)) document.set(list, document.createNode([]));
  const field = ENTRY[list];
  const found = findEntry(document, list, name);
  if (found) found.set(field, document.createNode(value));
  else (document.get(list) as YAMLSeq).add(document.createNode({ [field]: value, name }));
}

/** Takes an entry out of one of the lists; false when it is not there. */
export function removeEntry(document: Document, list: ListName, name: string): boolean {
  const items = (document.get(list) as YAMLSeq<YAMLMap> | null | undefined)?.items;
  const index = items?.findIndex((item) => item.get("name") === name) ?? -1;
  if (index < 0) return false;
  document.deleteIn([list, index]);
  return true;
}

function findEntry(document: Document, list: ListName, name: string): YAMLMap | undefined {
  const items = (document.get(list) as YAMLSeq<YAMLMap> | null | undefined)?.items;
  return items?.find((item) => item.get("name") === name);
}

function isUsed(document: Document, field: "cluster" | "user", name: string): boolean {
  const contexts = (document.get("contexts") as YAMLSeq<YAMLMap> | null | undefined)?.items ?? [];
  return contexts.some((item) => (item.get("context") as YAMLMap | undefined)?.get(field) === name);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
