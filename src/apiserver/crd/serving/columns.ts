import type { metav1 } from "../../../api/index.ts";
import { ParseError, parseTime } from "../../../machinery/index.ts";
import type { Served } from "../../catalog/kind.ts";
import { humanDuration } from "../../encoding/printers/words.ts";
import type { DefinitionVersion } from "../definition/types.ts";
import { compileJsonPath, type JsonPath } from "./json-path.ts";

type Column = NonNullable<DefinitionVersion["additionalPrinterColumns"]>[number];

const NAME_TEXT =
  "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const CREATED_TEXT =
  "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

const AGE: Column = { name: "Age", type: "date", description: CREATED_TEXT, jsonPath: ".metadata.creationTimestamp" };

/** How objects of a version are shown as a Table: by name, then by the columns that it declares (else by age). */
export function tableOfVersion(version: DefinitionVersion): NonNullable<Served["table"]> {
  const columns = version.additionalPrinterColumns ?? [];
  const shown = (columns.length > 0 ? columns : [AGE]).map((column) => ({ ...column, find: pathOf(column) }));
  return {
    columns: [
      { name: "Name", type: "string", format: "name", description: NAME_TEXT, priority: 0 },
      ...shown.map(definitionOf),
    ],
    cells: (object, now) => [
      (object as { metadata: { name: string } }).metadata.name,
      ...shown.map(({ type, find }) => cellOf(type, find(object), now)),
    ],
  };
}

function definitionOf({ name, type, format, description, jsonPath, priority }: Column): metav1.TableColumnDefinition {
  const words = description || `Custom resource definition column (in JSONPath format): ${jsonPath}`;
  return { name, type, format: format ?? "", description: words, priority: priority ?? 0 };
}

/** A path that can't be read finds nothing: the definition is served all the same. */
function pathOf({ jsonPath }: Column): JsonPath {
  try {
    return compileJsonPath(jsonPath);
  } catch {
    return () => [];
  }
}

function cellOf(type: string, found: readonly unknown[], now: number): unknown {
  const [value] = found;
  if (found.length === 0) return null;
  switch (type) {
    case "string":
      return typeof value === "string" ? value : printed(value);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : typeof value === "bigint" ? Number(value) : null;
    case "number":
      return typeof value === "number" || typeof value === "bigint" ? Number(value) : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, now) : null;
    default:
      return null;
  }
}

/** As kubectl's JSONPath prints a value: JSON for maps and lists. */
function printed(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value as string | number | boolean);
}

function ageOf(text: string, now: number): string {
  try {
    return humanDuration(now - parseTime(text));
  } catch (error) {
    if (error instanceof ParseError) return "<invalid>";
    throw error;
  }
}
