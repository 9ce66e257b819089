import { apiVersionOf, type Resource } from "../../api/index.ts";
import type { Clock } from "../../kit/index.ts";
import {
  applyDefaults,
  applySchemaOf,
  badRequest,
  normalize,
  ParseError,
  typeTableOfKind,
  validateStructure,
} from "../../machinery/index.ts";
import type { ApiObject } from "../seams/index.ts";
import { conversionOf } from "./conversions.ts";
import type { ObjectModel } from "./kind.ts";

/** How objects of a built-in resource are read: by the tables of its type. */
export function builtinModel(resource: Resource, hub: Resource, clock: Clock): ObjectModel {
  const convert = resource === hub ? undefined : conversionOf(resource);
  return {
    prepare(object, unknown) {
      unknown.push(...checked(object, resource));
      return applyDefaults(normalize(object), { now: clock.now() });
    },
    applySchema() {
      const table = typeTableOfKind(resource.group, resource.version, resource.kind);
      return table && applySchemaOf(table);
    },
    typedItems: true,
    ...(convert && { convert }),
  };
}

/** Fields that the type does not have. Throws 400 when a value has the wrong type. */
function checked(object: ApiObject, { kind, group, version }: Resource): string[] {
  try {
    return validateStructure(object);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const { kind: given } = object;
    const shown = JSON.stringify(apiVersionOf({ group, version }).split("/").at(-1));
    throw badRequest(`${given} in version ${shown} cannot be handled as a ${kind}: ${error.message}`);
  }
}
