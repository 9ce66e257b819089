import { type corev1, type metav1, otherTableColumns, tableColumns } from "../../api/index.ts";
import { badRequest, notAcceptable } from "../../machinery/index.ts";
import type { StoredObject } from "../cache/index.ts";
import { qualifiedName } from "../catalog/builtin.ts";
import type { Served } from "../catalog/kind.ts";
import { cellsOf, podConditions, scaleCells, statusCells } from "./printers/index.ts";
import type { Representation } from "./representation.ts";

export interface TableOptions {
  readonly representation: Pick<Representation, "version">;
  /** Object, Metadata (the default) or None: what each row carries beside its cells. */
  readonly includeObject: string;
  /** Watches send the columns only once. */
  readonly headers: boolean;
  /** Ages are counted to this moment, ms. */
  readonly now: number;
}

/** Objects of one resource as a Table. Throws 406 for resources that have none. */
export function tableOf(
  served: Served,
  items: readonly StoredObject[],
  metadata: Readonly<Record<string, unknown>>,
  options: TableOptions,
): metav1.Table {
  const { resource } = served;
  const columns = served.table?.columns ?? columnsOf(resource);
  if (!columns) throw notAcceptable(["application/json", "application/yaml"]);
  const cells = served.table ? served.table.cells : cellsOf(qualifiedName(resource));
  const conditions = resource.kind === "Pod" && resource.group === "";
  const rows = items.map((item): metav1.TableRow => {
    const own = conditions ? podConditions(item as unknown as corev1.Pod) : undefined;
    return { cells: cells(item, options.now), ...(own && { conditions: own }), ...rowObject(item, options) };
  });
  return table(metadata, columns, rows, options);
}

/** A bookmark as a Table: one row without cells of its own, that carries the revision. */
export function bookmarkTable(served: Served, bookmark: StoredObject, options: TableOptions): metav1.Table {
  const { resourceVersion, annotations } = bookmark.metadata;
  const rows = annotations ? [{ cells: [], ...rowObject(bookmark, { ...options, includeObject: "Metadata" }) }] : [];
  return table({ resourceVersion }, columnsOf(served.resource) ?? [], rows, options);
}

/** A Status or a Scale as a Table. */
export function plainTable(object: StoredObject, options: TableOptions): unknown {
  const kind = object.kind === "Scale" ? "Scale" : "Status";
  const cells = kind === "Scale" ? scaleCells(object as never, options.now) : statusCells(object as never, options.now);
  const { resourceVersion } = object.metadata;
  const rows = [{ cells, ...rowObject(object, options) }];
  return table({ ...(resourceVersion && { resourceVersion }) }, otherTableColumns(kind), rows, options);
}

function table(
  metadata: Readonly<Record<string, unknown>>,
  columns: readonly metav1.TableColumnDefinition[],
  rows: metav1.TableRow[],
  { representation, headers }: TableOptions,
): metav1.Table {
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${representation.version}`,
    metadata: metadata as metav1.ListMeta,
    columnDefinitions: headers ? [...columns] : [],
    rows,
  };
}

function rowObject(item: StoredObject, { includeObject, representation }: TableOptions): { object: unknown } {
  switch (includeObject) {
    case "None":
      return { object: null };
    case "Object":
      return { object: item };
    case "":
    case "Metadata": {
      const apiVersion = `meta.k8s.io/${representation.version}`;
      return { object: { kind: "PartialObjectMetadata", apiVersion, metadata: item.metadata } };
    }
    default:
      throw badRequest(`unrecognized includeObject value: ${JSON.stringify(includeObject)}`);
  }
}

const MORE_COLUMNS: Readonly<Record<string, readonly (readonly [name: string, type: string])[]>> = {
  "csidrivers.storage.k8s.io": [
    ["TokenRequests", "string"],
    ["RequiresRepublish", "boolean"],
    ["Modes", "string"],
    ["Age", "string"],
  ],
};

function columnsOf(resource: Served["resource"]): readonly metav1.TableColumnDefinition[] | undefined {
  const more = MORE_COLUMNS[qualifiedName(resource)] ?? [];
  return tableColumns(resource)?.concat(
    more.map(([name, type]) => ({ name, type, format: "", description: "", priority: 0 })),
  );
}
