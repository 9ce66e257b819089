import { badRequest, failure, StatusError, tooLargeResourceVersion } from "../../machinery/index.ts";
import { CompactedError, FutureRevisionError, prefixEnd, type Store } from "../../store/index.ts";
import { type Item, Item as StoredItem, type Predicate } from "../cache/index.ts";
import type { StoredKind } from "../catalog/kind.ts";
import { decodeContinue, encodeContinue } from "./continue.ts";

/** A list as the request asks for it, already checked. */
export interface ListRequest {
  readonly predicate: Predicate;
  /** 0: no limit. */
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly match: "" | "Exact" | "NotOlderThan";
}

export interface ListPage {
  readonly items: readonly Item[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

/** Lists objects of a kind: from the cache, or from the store's history where the request names a moment. */
export async function listObjects(store: Store, kind: StoredKind, request: ListRequest): Promise<ListPage> {
  if (request.continue !== "") return continueList(store, kind, request);
  const revision = parseRevision(request.resourceVersion);
  const exact = request.match === "Exact" || (request.match === "" && request.limit > 0 && (revision ?? 0) > 0);
  if (exact && revision !== undefined && revision > 0) return listAt(store, kind, request, revision, "");
  if (revision === undefined) await kind.cache.fresh();
  else await kind.cache.reached(revision);
  const { items, revision: at } = kind.cache.snapshot(request.predicate);
  // A list at "any" revision answers with everything there is, as upstream's cache does.
  return revision === 0 ? { items, revision: at } : firstPage(items, at, request);
}

/** `""` → undefined; throws 400 for anything but digits. */
export function parseRevision(text: string): number | undefined {
  if (text === "") return undefined;
  const revision = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(revision)) {
    throw badRequest(`invalid resource version: strconv.ParseUint: parsing "${text}": invalid syntax`);
  }
  return revision;
}

function firstPage(items: readonly Item[], revision: number, { limit, predicate }: ListRequest): ListPage {
  if (limit === 0 || items.length <= limit) return { items, revision };
  return page(items.slice(0, limit), revision, items.length - limit, predicate);
}

function page(items: readonly Item[], revision: number, remaining: number, predicate: Predicate): ListPage {
  const last = items[items.length - 1];
  const token = encodeContinue({ revision, start: `${below(predicate, last?.key ?? "")}\0` });
  return { items, revision, continue: token, ...(predicate.selectsAll && { remaining }) };
}

/** Tokens name keys below the listed namespace, if there is one. */
function below(predicate: Predicate, key: string): string {
  return predicate.namespace === undefined ? key : key.slice(predicate.namespace.length + 1);
}

async function continueList(store: Store, kind: StoredKind, request: ListRequest): Promise<ListPage> {
  if (request.resourceVersion !== "" && request.resourceVersion !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  const token = decodeContinue(request.continue);
  const namespace = request.predicate.namespace;
  const start = namespace === undefined ? token.start : `${namespace}/${token.start}`;
  if (token.revision > 0) return listAt(store, kind, request, token.revision, start);
  await kind.cache.fresh();
  const { items, revision } = kind.cache.snapshot(request.predicate, start);
  return firstPage(items, revision, request);
}

const CHUNK = 1000;

/** The state at one revision, read from the store in pieces until the page is full. */
async function listAt(
  store: Store,
  kind: StoredKind,
  request: ListRequest,
  revision: number,
  start: string,
): Promise<ListPage> {
  const { predicate, limit } = request;
  const prefix = predicate.namespace === undefined ? kind.prefix : `${kind.prefix}${predicate.namespace}/`;
  const end = prefixEnd(prefix);
  const items: Item[] = [];
  let from = start === "" ? prefix : kind.prefix + start;
  for (;;) {
    const want = limit === 0 ? CHUNK : predicate.selectsAll ? limit - items.length : Math.max(limit, CHUNK);
    const range = await atRevision(request, start, store.range({ start: from, end, revision, limit: want }));
    for (const [index, entry] of range.entries.entries()) {
      const item = new StoredItem(entry.key.slice(kind.prefix.length), entry.modRevision, entry.value);
      if (predicate.matches(item)) items.push(item);
      if (limit === 0 || items.length < limit) continue;
      const rest = range.count - index - 1;
      return rest > 0 ? page(items, revision, rest, predicate) : { items, revision };
    }
    if (!range.more) return { items, revision };
    from = `${range.entries[range.entries.length - 1]?.key ?? from}\0`;
  }
}

/** Turns the store's complaints about the revision into the API's. */
async function atRevision<T>(request: ListRequest, start: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof FutureRevisionError) throw tooLargeResourceVersion(error.revision, error.currentRevision, 1);
    if (!(error instanceof CompactedError)) throw error;
    if (request.continue === "") throw gone(`The resourceVersion for the provided list is too old.`);
    const { predicate } = request;
    const message =
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
      "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. " +
      "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted " +
      "between the time the first chunk was returned and now may show up in the list.";
    throw gone(message, encodeContinue({ revision: -1, start: below(predicate, start) }));
  }
}

function gone(message: string, token?: string): StatusError {
  const error = failure({ code: 410, reason: "Expired", message });
  if (token === undefined) return error;
  return new StatusError({ ...error.status, metadata: { continue: token } });
}
