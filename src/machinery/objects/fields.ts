/** A JSON object that may be written. */
export type JsonObject = Record<string, unknown>;

/** Whether the value is a JSON object: neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own field, whatever the name; inherited ones such as `constructor` are not there. */
export function getField(object: Readonly<JsonObject>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Sets an own field, whatever the name: `__proto__` becomes data. */
export function setField(object: JsonObject, name: string, value: unknown): void {
  if (name === "__proto__")
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  else object[name] = value;
}
