import { ParseError } from "../errors/parse-error.ts";
import { getField, isJsonObject, type JsonObject, setField } from "../objects/fields.ts";

/** What holds the value that a pointer names. */
export type Container = JsonObject | unknown[];

/** The last step of a pointer inside its container. */
export interface Place {
  readonly container: Container;
  readonly key: string;
}

/** Splits `/spec/a~1b/0`; undefined for a text that is no pointer to something inside a document. */
export function splitPointer(pointer: string): string[] | undefined {
  const parts = pointer.split("/");
  return parts.length < 2 ? undefined : parts.slice(1).map((p) => p.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Where a pointer leads; undefined when a container on the way is missing. */
export function findPlace(document: unknown, pointer: string): Place | undefined {
  const steps = splitPointer(pointer);
  const key = steps?.pop();
  if (!steps || key === undefined) return undefined;
  let at: unknown = document;
  for (const step of steps) {
    if (Array.isArray(at)) {
      const index = parseIndex(step);
      at = index === undefined ? undefined : (at as unknown[])[index < 0 ? index + at.length : index];
    } else at = isJsonObject(at) ? getField(at, step) : undefined;
  }
  return Array.isArray(at) || isJsonObject(at) ? { container: at as Container, key } : undefined;
}

function parseIndex(text: string): number | undefined {
  return /^[+-]?[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

function atoi(text: string): number {
  const value = parseIndex(text);
  if (value === undefined) throw new ParseError(`strconv.Atoi: parsing "${text}": invalid syntax`);
  return value;
}

function invalidIndex(index: number): ParseError {
  return new ParseError(`Unable to access invalid index: ${index}: invalid index referenced`);
}

/** The value at a place: of a list only at an existing index (negative ones count from the end), of an object undefined when it has none. */
export function getAt({ container, key }: Place): unknown {
  if (!Array.isArray(container)) return getField(container, key);
  return container[existing(container, key)];
}

function existing(list: readonly unknown[], key: string): number {
  const index = atoi(key);
  const at = index < 0 ? index + list.length : index;
  if (at < 0 || at >= list.length) throw invalidIndex(index);
  return at;
}

/** Overwrites a field, or an existing item of a list. */
export function setAt({ container, key }: Place, value: unknown): void {
  if (Array.isArray(container)) container[existing(container, key)] = value;
  else setField(container, key, value);
}

/** Sets a field, or inserts into a list; `-` appends. */
export function addAt({ container, key }: Place, value: unknown): void {
  if (!Array.isArray(container)) return setField(container, key, value);
  if (key === "-") {
    container.push(value);
    return;
  }
  const index = parseIndex(key);
  if (index === undefined) {
    throw new ParseError(
      `value was not a proper array index: '${key}': strconv.Atoi: parsing "${key}": invalid syntax`,
    );
  }
  const at = index < 0 ? index + container.length + 1 : index;
  if (at < 0 || at > container.length) throw invalidIndex(index);
  container.splice(at, 0, value);
}

/** Takes a field or an item out. */
export function removeAt({ container, key }: Place): void {
  if (Array.isArray(container)) container.splice(existing(container, key), 1);
  else if (Object.hasOwn(container, key)) delete container[key];
  else throw new ParseError(`Unable to remove nonexistent key: ${key}: missing value`);
}
