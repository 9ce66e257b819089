import { stringifyJson } from "../../machinery/index.ts";
import type { Representation } from "./representation.ts";

/** An object as text in a representation's format. */
export async function encodeText(object: unknown, representation: Representation): Promise<Uint8Array> {
  if (representation.format === "yaml") {
    const { stringify } = await import("yaml");
    // Through JSON, so that what JSON leaves out is left out here as well.
    return Buffer.from(stringify(JSON.parse(stringifyJson(object)), { aliasDuplicateObjects: false }));
  }
  if (representation.pretty) return Buffer.from(`${JSON.stringify(JSON.parse(stringifyJson(object)), null, 2)}\n`);
  return Buffer.from(`${stringifyJson(object)}\n`);
}

/** The media type of an answer in this representation. */
export function contentTypeOf(representation: Representation): string {
  return representation.format === "yaml" ? "application/yaml" : "application/json";
}
