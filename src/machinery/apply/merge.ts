import { isJsonObject, type JsonObject, setField } from "../objects/fields.ts";
import { type ApplyList, type ApplyMap, type ApplySchema, formOf } from "./apply-schema.ts";
import { ApplyError, elementAt } from "./list-items.ts";
import { type PathElement, printElement } from "./path-element.ts";

/**
 * The live value with an applied configuration merged into it: nothing is removed, leaves of the configuration win, and lists take its
 * order where it says anything. Parts are shared with the arguments, which are not changed.
 */
export function mergeValues(live: unknown, config: unknown, schema: ApplySchema): unknown {
  const form = formOf(schema, config === undefined ? live : config);
  const { list, map } = schema;
  if (form === "list" && list?.associative) {
    const [a, b] = [Array.isArray(live) ? live : [], Array.isArray(config) ? config : []];
    if (a.length > 0 || b.length > 0) return mergeItems(a, b, list);
  } else if (form === "map" && map && !map.atomic) {
    const [a, b] = [isJsonObject(live) ? live : {}, isJsonObject(config) ? config : {}];
    if (Object.keys(a).length > 0 || Object.keys(b).length > 0) return mergeFields(a, b, map);
  }
  return config === undefined ? live : config;
}

function mergeFields(live: JsonObject, config: JsonObject, map: ApplyMap): JsonObject | undefined {
  const out: JsonObject = { ...live };
  for (const name of Object.keys(config)) {
    const schema = map.field(name) ?? map.element;
    const old = Object.hasOwn(live, name) ? live[name] : undefined;
    const value = schema ? mergeValues(old, config[name], schema) : config[name];
    if (value !== undefined) setField(out, name, value);
  }
  return out;
}

interface Indexed {
  readonly elements: readonly PathElement[];
  /** The item of a step; undefined when several have it. */
  readonly items: ReadonlyMap<PathElement, unknown>;
}

function index(items: readonly unknown[], list: ApplyList, duplicates: boolean): Indexed {
  const found = new Map<PathElement, unknown>();
  const elements: PathElement[] = [];
  for (const [i, item] of items.entries()) {
    const element = elementAt(list, item, i);
    if (found.has(element) && !duplicates) throw new ApplyError(`duplicate entries for key ${printElement(element)}`);
    found.set(element, found.has(element) ? undefined : item);
    elements.push(element);
  }
  return { elements, items: found };
}

/**
 * Items that only the live list has keep their place among the shared ones; shared ones and new ones come in the
 * configuration's order.
 */
function mergeItems(live: readonly unknown[], config: readonly unknown[], list: ApplyList): unknown[] {
  const [left, right] = [index(live, list, true), index(config, list, false)];
  const shared = right.elements.filter((element) => left.items.has(element));
  let nextShared = shared.shift();
  const out: unknown[] = [];
  const taken = new Set<PathElement>();
  const take = (element: PathElement): void => {
    taken.add(element);
    out.push(mergeValues(left.items.get(element), right.items.get(element), list.item));
  };
  let [l, r] = [0, 0];
  while (l < left.elements.length || r < right.elements.length) {
    const [a, b] = [left.elements[l], right.elements[r]];
    if (a !== undefined && a === b) {
      take(a);
      [l, r, nextShared] = [l + 1, r + 1, shared.shift()];
      continue;
    }
    if (a !== undefined && b !== undefined && right.items.has(a) && nextShared !== undefined && nextShared !== a) {
      l++;
      continue;
    }
    if (a !== undefined) {
      if (!right.items.has(a)) {
        out.push(live[l++]);
        continue;
      }
      if (taken.has(a)) l++;
    }
    if (b === undefined) continue;
    take(b);
    r++;
    if (nextShared === b) nextShared = shared.shift();
  }
  return out;
}
