import type { DeleteOptions, ListOptions, WatchOptions, WriteOptions } from "./client.ts";
import type { ApiRequest } from "./transport.ts";

type Query = NonNullable<ApiRequest["query"]>;

/** The query of a list, and of the list part of a watch or a deletecollection. */
export function listQuery(options: ListOptions): Query {
  return {
    labelSelector: options.labelSelector || undefined,
    fieldSelector: options.fieldSelector || undefined,
    limit: options.limit ? String(options.limit) : undefined,
    continue: options.continue || undefined,
    resourceVersion: options.resourceVersion || undefined,
    resourceVersionMatch: options.resourceVersionMatch,
  };
}

/** The query of a watch, without `watch=true`, which the transport adds. */
export function watchQuery(options: WatchOptions): Query {
  return {
    ...listQuery(options),
    allowWatchBookmarks: options.allowWatchBookmarks ? "true" : undefined,
    sendInitialEvents: options.sendInitialEvents === undefined ? undefined : String(options.sendInitialEvents),
    timeoutSeconds: options.timeoutSeconds === undefined ? undefined : String(options.timeoutSeconds),
  };
}

export function writeQuery(options: WriteOptions): Query {
  return { fieldManager: options.fieldManager, dryRun: options.dryRun ? "All" : undefined };
}

/** The body of a DELETE; undefined when nothing differs from the default. */
export function deleteBody(options: DeleteOptions): unknown {
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = options;
  const set = { gracePeriodSeconds, propagationPolicy, preconditions, dryRun: dryRun ? ["All"] : undefined };
  if (Object.values(set).every((value) => value === undefined)) return undefined;
  return { kind: "DeleteOptions", apiVersion: "v1", ...set };
}
