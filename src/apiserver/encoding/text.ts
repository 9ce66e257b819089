import { encodeProtobuf, stringifyJson } from "../../machinery/index.ts";
import type { Representation } from "./representation.ts";

/** An object in a representation's format, and the media type that it came to be. */
export async function encodeBody(
  object: unknown,
  representation: Representation,
): Promise<{ readonly bytes: Uint8Array; readonly contentType: string }> {
  if (representation.format === "protobuf") {
    const bytes = encodeProtobuf(object as Parameters<typeof encodeProtobuf>[0]);
    if (bytes) return { bytes, contentType: PROTOBUF };
  }
  const bytes = await encodeText(object, representation);
  return { bytes, contentType: representation.format === "yaml" ? "application/yaml" : "application/json" };
}

async function encodeText(object: unknown, representation: Representation): Promise<Uint8Array> {
  if (representation.format === "yaml") {
    const { stringify } = await import("yaml");
    // Through JSON, so that what JSON leaves out is left out here as well.
    return Buffer.from(stringify(JSON.parse(stringifyJson(object)), { aliasDuplicateObjects: false }));
  }
  if (representation.pretty) return Buffer.from(`${JSON.stringify(JSON.parse(stringifyJson(object)), null, 2)}\n`);
  return Buffer.from(`${stringifyJson(object)}\n`);
}

/** The media type of protobuf answers. */
export const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** The media type of a watch's stream in this representation. */
export function streamTypeOf({ format }: Representation): string {
  if (format === "protobuf") return `${PROTOBUF};stream=watch`;
  return format === "yaml" ? "application/yaml;stream=watch" : "application/json";
}
