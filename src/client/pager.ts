import { isExpired } from "../machinery/index.ts";
import type { List, ListOptions, ResourceClient } from "./client.ts";

/** As client-go's pager asks. */
export const DEFAULT_PAGE_SIZE = 500;

/**
 * Lists page by page, so that neither side holds all at once. When the continue token of a later page has expired, throws
 * (`isExpired`): begin again, or use {@link listAll}.
 */
export async function* listPages<T>(
  client: Pick<ResourceClient<T>, "list">,
  options: ListOptions = {},
): AsyncGenerator<List<T>, void, undefined> {
  const limit = options.limit ?? DEFAULT_PAGE_SIZE;
  let page = await client.list({ ...options, limit });
  yield page;
  while (page.metadata.continue) {
    // The token carries the revision; sending one beside it is refused.
    const { resourceVersion: _, resourceVersionMatch: __, ...rest } = options;
    page = await client.list({ ...rest, limit, continue: page.metadata.continue });
    yield page;
  }
}

/** Everything, fetched in pages; when a continue token expires on the way, once more in a single request. */
export async function listAll<T>(client: Pick<ResourceClient<T>, "list">, options: ListOptions = {}): Promise<List<T>> {
  const items: T[] = [];
  let resourceVersion = "";
  try {
    for await (const page of listPages(client, options)) {
      for (const item of page.items) items.push(item);
      resourceVersion = page.metadata.resourceVersion;
    }
  } catch (error) {
    if (!isExpired(error) || resourceVersion === "") throw error;
    const { limit: _, ...rest } = options;
    return client.list(rest);
  }
  return { items, metadata: { resourceVersion } };
}
