import { apiVersionOf } from "../../api/index.ts";
import type { Clock } from "../../kit/index.ts";
import { failure, notAcceptable } from "../../machinery/index.ts";
import type { Bookmark, Emission, StoredObject } from "../cache/index.ts";
import type { Served } from "../catalog/kind.ts";
import { viewOf } from "../catalog/view.ts";
import type { ListAnswer, ObjectAnswer, StoredAnswer } from "../request/answer.ts";
import { bookmarkObject, listMeta } from "./json.ts";
import type { Representation } from "./representation.ts";

/** The object that a client sees, for representations that are not spliced from stored bytes. */
export async function objectFor(
  answer: StoredAnswer | ObjectAnswer | ListAnswer,
  representation: Representation,
  includeObject: string,
  now: number,
): Promise<unknown> {
  if (answer.type === "object") {
    if (representation.as !== "Table") return answer.object;
    const { kind } = answer.object as StoredObject;
    // Reviews, bindings and the like have no form but their own.
    if (kind !== "Status" && kind !== "Scale") throw notAcceptable(["application/json", "application/yaml"]);
    if (!answer.served) return answer.object;
    const { plainTable } = await import("./table.ts");
    return plainTable(answer.object as StoredObject, { representation, includeObject, headers: true, now });
  }
  const single = answer.type === "stored";
  const items = single
    ? [viewOf(answer.served, answer.item)]
    : answer.page.items.map((item) => viewOf(answer.served, item));
  const meta = single ? { resourceVersion: String(answer.item.revision) } : listMeta(answer.page);
  switch (representation.as) {
    case "Table": {
      const { tableOf } = await import("./table.ts");
      return tableOf(answer.served, items, meta, { representation, includeObject, headers: true, now });
    }
    case "PartialObjectMetadata":
      if (!single) throw notThat(`you requested PartialObjectMetadata, but the requested object is a list`);
      return partialOf(items[0] as StoredObject, representation.version);
    case "PartialObjectMetadataList":
      if (single) throw notThat(`you requested PartialObjectMetadataList, but the requested object is not a list`);
      return partialList(items, meta, representation.version);
    default:
      return single ? items[0] : fullList(answer.served, items, meta);
  }
}

/** What a watcher sees of an event, for representations that are not spliced. */
export class EventView {
  readonly #served: Served;
  readonly #representation: Representation;
  readonly #includeObject: string;
  readonly #clock: Clock;
  #first = true;

  constructor(served: Served, representation: Representation, includeObject: string, clock: Clock) {
    this.#clock = clock;
    this.#served = served;
    this.#representation = representation;
    this.#includeObject = includeObject;
  }

  /** The object of the event. Tables have their columns only the first time. */
  async object(event: Emission | Bookmark): Promise<unknown> {
    const bookmark = event.type === "BOOKMARK";
    const object = (bookmark ? bookmarkObject(this.#served, event) : viewOf(this.#served, event.item)) as StoredObject;
    if (this.#representation.as === "object") return object;
    if (this.#representation.as !== "Table") return partialOf(object, this.#representation.version);
    const { tableOf, bookmarkTable } = await import("./table.ts");
    const now = this.#clock.now();
    const options = {
      representation: this.#representation,
      includeObject: this.#includeObject,
      headers: this.#first,
      now,
    };
    this.#first = false;
    const meta = { resourceVersion: object.metadata.resourceVersion };
    return bookmark ? bookmarkTable(this.#served, object, options) : tableOf(this.#served, [object], meta, options);
  }
}

/** Only the metadata of an object. */
export function partialOf(object: StoredObject, version: string): object {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

function partialList(items: readonly StoredObject[], metadata: object, version: string): object {
  const kind = "PartialObjectMetadataList";
  return { kind, apiVersion: `meta.k8s.io/${version}`, metadata, items: items.map((item) => partialOf(item, version)) };
}

function fullList({ resource, model }: Served, items: readonly StoredObject[], metadata: object): object {
  const bare = (item: StoredObject): object => ({ ...item, kind: undefined, apiVersion: undefined });
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata,
    items: model.typedItems ? items.map(bare) : items,
  };
}

function notThat(message: string): Error {
  return failure({ code: 406, reason: "NotAcceptable", message });
}
