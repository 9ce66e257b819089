import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import type { ApplySchema } from "./apply-schema.ts";
import { type PathElement, sortElements } from "./path-element.ts";

/** A set of paths, as a tree. Treat as immutable once shared: only {@link insert} changes it. */
export class FieldSet {
  /** Steps that end a path of the set. */
  readonly members: Set<PathElement>;
  /** Steps with longer paths behind them. */
  readonly children: Map<PathElement, FieldSet>;

  constructor(members: Iterable<PathElement> = [], children: Iterable<readonly [PathElement, FieldSet]> = []) {
    this.members = new Set(members);
    this.children = new Map(children);
  }

  /** The set of these paths. */
  static of(...paths: readonly (readonly PathElement[])[]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.insert(path);
    return set;
  }

  /** Reads `fieldsV1`. Steps of unknown kinds are dropped, as upstream does. */
  static fromFields(fields: unknown): FieldSet {
    const set = new FieldSet();
    if (!isJsonObject(fields)) return set;
    for (const [element, below] of Object.entries(fields)) {
      if (element === "." || !/^[fkvi]:/.test(element)) continue;
      const child = FieldSet.fromFields(below);
      const empty = child.isEmpty();
      if (empty || (isJsonObject(below) && Object.hasOwn(below, "."))) set.members.add(element);
      if (!empty) set.children.set(element, child);
    }
    return set;
  }

  /** The set as `fieldsV1`, in upstream's order. */
  toFields(): JsonObject {
    return this.#write({});
  }

  #write(out: JsonObject): JsonObject {
    for (const element of sortElements([...this.members, ...this.children.keys()])) {
      const child = this.children.get(element);
      out[element] = child ? child.#write(this.members.has(element) ? { ".": {} } : {}) : {};
    }
    return out;
  }

  /** Adds a path; the empty path, which is the whole object, is never tracked. */
  insert(path: readonly PathElement[]): void {
    const last = path.at(-1);
    if (last === undefined) return;
    const parent = path.slice(0, -1).reduce<FieldSet>((set, element) => set.#descend(element), this);
    parent.members.add(last);
  }

  #descend(element: PathElement): FieldSet {
    const known = this.children.get(element);
    if (known) return known;
    const made = new FieldSet();
    this.children.set(element, made);
    return made;
  }

  /** Whether the path is in the set. */
  has(path: readonly PathElement[]): boolean {
    const last = path.at(-1);
    if (last === undefined) return false;
    const parent = path.slice(0, -1).reduce<FieldSet | undefined>((set, element) => set?.children.get(element), this);
    return parent?.members.has(last) ?? false;
  }

  isEmpty(): boolean {
    if (this.members.size > 0) return false;
    for (const child of this.children.values()) if (!child.isEmpty()) return false;
    return true;
  }

  /** Paths of either set. */
  union(other: FieldSet): FieldSet {
    const out = new FieldSet([...this.members, ...other.members], this.children);
    for (const [element, child] of other.children) {
      const own = this.children.get(element);
      out.children.set(element, own ? own.union(child) : child);
    }
    return out;
  }

  /** Paths of both sets. */
  intersection(other: FieldSet): FieldSet {
    const out = new FieldSet([...this.members].filter((element) => other.members.has(element)));
    for (const [element, child] of this.children) {
      const theirs = other.children.get(element);
      const both = theirs && child.intersection(theirs);
      if (both && !both.isEmpty()) out.children.set(element, both);
    }
    return out;
  }

  /** Paths of this set that are not in the other; a path there takes nothing below it away. */
  difference(other: FieldSet): FieldSet {
    return this.#without(other, false);
  }

  /** Paths of this set that are neither in the other nor below a path in it. */
  recursiveDifference(other: FieldSet): FieldSet {
    return this.#without(other, true);
  }

  #without(other: FieldSet, recursive: boolean): FieldSet {
    const out = new FieldSet([...this.members].filter((element) => !other.members.has(element)));
    for (const [element, child] of this.children) {
      if (recursive && other.members.has(element)) continue;
      const theirs = other.children.get(element);
      const rest = theirs ? child.#without(theirs, recursive) : child;
      if (!rest.isEmpty()) out.children.set(element, rest);
    }
    return out;
  }

  equals(other: FieldSet): boolean {
    return this.difference(other).isEmpty() && other.difference(this).isEmpty();
  }

  /** The set with every declared field on the way to a path added. */
  withNamedFields(schema: ApplySchema | undefined): FieldSet {
    const out = new FieldSet(this.members);
    for (const [element, child] of this.children) {
      const name = element.startsWith("f:") ? element.slice(2) : undefined;
      const field = name === undefined ? undefined : schema?.map?.field(name);
      if (field) out.members.add(element);
      const below = name === undefined ? schema?.list?.item : (field ?? schema?.map?.element);
      out.children.set(element, child.withNamedFields(below));
    }
    return out;
  }

  /** All paths, those of a node before those below it. */
  *paths(prefix: readonly PathElement[] = []): Generator<readonly PathElement[]> {
    for (const element of sortElements([...this.members])) yield [...prefix, element];
    for (const element of sortElements([...this.children.keys()])) {
      yield* this.children.get(element)?.paths([...prefix, element]) ?? [];
    }
  }
}
