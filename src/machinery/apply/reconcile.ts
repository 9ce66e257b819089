import type { ApplySchema } from "./apply-schema.ts";
import { FieldSet } from "./field-set.ts";
import type { PathElement } from "./path-element.ts";

/**
 * A set that was written when the schema was another one, made to fit: where a list or an object has become atomic, its owner's paths below it
 * become the one path to it. The same set when nothing has to change.
 */
export function reconcileSet(set: FieldSet, schema: ApplySchema): FieldSet {
  const atomic = new FieldSet();
  findAtomic(set, schema, [], false, atomic);
  return atomic.isEmpty() ? set : set.recursiveDifference(atomic).union(atomic);
}

function findAtomic(
  set: FieldSet | undefined,
  schema: ApplySchema,
  path: PathElement[],
  isLeaf: boolean,
  found: FieldSet,
): void {
  const { list, map, scalar } = schema;
  if (map) {
    if (scalar && map.element) return;
    if (map.atomic && !isLeaf) {
      if (set && !set.isEmpty()) found.insert(path);
    } else if (set) visit(set, (element) => schemaBelow(schema, element), path, found);
  } else if (list) {
    if (!list.associative && !isLeaf) found.insert(path);
    else if (set) visit(set, () => list.item, path, found);
  }
}

function schemaBelow(schema: ApplySchema, element: PathElement): ApplySchema | undefined {
  return element.startsWith("f:") ? (schema.map?.field(element.slice(2)) ?? schema.map?.element) : undefined;
}

function visit(
  set: FieldSet,
  below: (element: PathElement) => ApplySchema | undefined,
  path: PathElement[],
  found: FieldSet,
): void {
  for (const element of new Set([...set.children.keys(), ...set.members])) {
    const schema = below(element);
    const child = set.children.get(element);
    if (!schema) continue;
    path.push(element);
    findAtomic(child, schema, path, set.members.has(element) && !child, found);
    path.pop();
  }
}
