import { type ApplySchema, badRequest, ParseError } from "../../../machinery/index.ts";
import {
  applySchemaDefaults,
  applySchemaOfStructural,
  coerceMetadata,
  prune,
  type Structural,
} from "../../../machinery/structural/index.ts";
import type { ObjectModel } from "../../catalog/kind.ts";
import type { ApiObject } from "../../seams/index.ts";

/** A schema that keeps everything: for definitions whose objects are not pruned. */
export function withoutPruning(structural: Structural): Structural {
  return { ...structural, preserveUnknown: true };
}

/**
 * How objects of a version are read: unknown fields go, defaults come. Stored objects may be of another version or of an older
 * schema, so they are read the same way.
 */
export function customModel(kind: string, version: string, structural: Structural): ObjectModel {
  let schema: ApplySchema | undefined;
  return {
    prepare(object, unknown) {
      unknown.push(...coerced(object, kind, version, structural).map(unknownField));
      unknown.push(...prune(object, structural, true).map(unknownField));
      applySchemaDefaults(object, structural);
      return object;
    },
    applySchema: () => (schema ??= applySchemaOfStructural(structural)),
    typedItems: false,
    convert: {
      toHub: (object) => object,
      fromHub(object) {
        prune(object, structural, true);
        applySchemaDefaults(object, structural);
        return object;
      },
    },
  };
}

function unknownField(path: string): string {
  return `unknown field ${JSON.stringify(path)}`;
}

function coerced(object: ApiObject, kind: string, version: string, structural: Structural): string[] {
  try {
    return coerceMetadata(object, structural);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw badRequest(
      `${object.kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`,
    );
  }
}
