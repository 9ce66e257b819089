import { encodeJson, normalize } from "../../machinery/index.ts";
import type { StoredObject } from "../cache/index.ts";
import type { ApiObject } from "../seams/index.ts";

/** An object ready for the store. */
export interface Encoded {
  readonly bytes: Uint8Array;
  /** What parsing the bytes would give; shares parts with the object it was made from. */
  readonly object: StoredObject;
}

/**
 * The stored form: kind, apiVersion and metadata come first, and there is no resourceVersion, because the store's revision
 * is it. Answers put it back by splicing bytes, which is why the order matters.
 */
export function encodeStored(object: ApiObject): Encoded {
  const { kind, apiVersion, metadata, ...rest } = normalize(object);
  const { name, generateName, namespace, uid, resourceVersion: _, selfLink: __, ...more } = metadata;
  const stored = {
    kind,
    apiVersion,
    metadata: {
      name,
      ...(generateName !== undefined && generateName !== "" && { generateName }),
      ...(namespace !== undefined && namespace !== "" && { namespace }),
      uid,
      ...more,
    },
    ...rest,
  };
  return { bytes: encodeJson(stored), object: stored as unknown as StoredObject };
}
