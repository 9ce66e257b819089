import { apiVersionOf } from "../../api/index.ts";
import type { StatusError } from "../../machinery/index.ts";
import type { Bookmark, Emission, Item } from "../cache/index.ts";
import type { Served } from "../catalog/kind.ts";
import type { ListPage } from "../registry/list.ts";
import { Splicer } from "./splice.ts";

/** Pieces of a list are handed over in about this size: whole TLS records, and no event loop stall. */
const CHUNK = 256 * 1024;

/** JSON of answers, from the stored bytes. One per server. */
export class JsonEncoder {
  readonly #splicers = new WeakMap<Served, Splicer>();

  object(served: Served, item: Item): Uint8Array {
    return this.#splicer(served).object(item);
  }

  /** A list, piece by piece; nothing is ever held whole. */
  *list(served: Served, page: ListPage): Generator<Uint8Array> {
    const splicer = this.#splicer(served);
    const { resource } = served;
    const meta = listMeta(page);
    const head = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata: meta, items: [] };
    let parts: Uint8Array[] = [Buffer.from(JSON.stringify(head).slice(0, -2))];
    let size = parts[0]?.length ?? 0;
    for (const [index, item] of page.items.entries()) {
      const bytes = splicer.item(item);
      if (index > 0) parts.push(COMMA);
      parts.push(bytes);
      size += bytes.length + 1;
      if (size < CHUNK) continue;
      yield Buffer.concat(parts);
      [parts, size] = [[], 0];
    }
    parts.push(LIST_END);
    yield Buffer.concat(parts);
  }

  /** One line of a watch stream. Made once for all watchers of the same resource that get the same event. */
  event(served: Served, event: Emission): Uint8Array {
    const name = `json ${served.resource.version}.${served.resource.group}`;
    let bytes = event.encoded.get(name);
    if (!bytes) event.encoded.set(name, (bytes = this.#splicer(served).event(event.type, event.item)));
    return bytes;
  }

  bookmark(served: Served, bookmark: Bookmark): Uint8Array {
    return Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object: bookmarkObject(served, bookmark) })}\n`);
  }

  error(error: StatusError): Uint8Array {
    return Buffer.from(`${JSON.stringify({ type: "ERROR", object: error.status })}\n`);
  }

  #splicer(served: Served): Splicer {
    let splicer = this.#splicers.get(served);
    if (!splicer) this.#splicers.set(served, (splicer = new Splicer(served)));
    return splicer;
  }
}

/** The metadata of a list answer. */
export function listMeta(page: ListPage): { resourceVersion: string; continue?: string; remainingItemCount?: number } {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue !== undefined && { continue: page.continue }),
    ...(page.remaining !== undefined && { remainingItemCount: page.remaining }),
  };
}

/** What a bookmark shows: kind, resourceVersion, and whether the initial events are over. */
export function bookmarkObject({ resource }: Served, bookmark: Bookmark): object {
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(bookmark.revision),
      creationTimestamp: null,
      ...(bookmark.initialEventsEnd && { annotations: { "k8s.io/initial-events-end": "true" } }),
    },
  };
}

const COMMA = Buffer.from(",");
const LIST_END = Buffer.from("]}\n");
