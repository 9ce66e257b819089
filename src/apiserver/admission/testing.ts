import type { Resource } from "../../api/index.ts";
import { deepClone, StatusError } from "../../machinery/index.ts";
import type { Admission, AdmissionRequest, ApiObject, Lookup, Operation, UserInfo } from "../seams/index.ts";

/** A cluster that never changes. For tests only. */
export function lookupOf(...objects: readonly (readonly [Resource, object])[]): Lookup {
  const metadataOf = (object: object): { name?: string; namespace?: string } =>
    (object as { metadata?: { name?: string; namespace?: string } }).metadata ?? {};
  return {
    get: (resource, name, namespace) => {
      const found = objects.find(([of, object]) => {
        const metadata = metadataOf(object);
        return of === resource && metadata.name === name && (metadata.namespace ?? "") === (namespace ?? "");
      });
      return Promise.resolve(found?.[1] as never);
    },
    list: (resource, namespace) =>
      Promise.resolve(
        objects
          .filter(([of, object]) => of === resource && (!namespace || metadataOf(object).namespace === namespace))
          .map(([, object]) => object) as never,
      ),
  };
}

/** A write as a test describes it; the rest is made up. */
export interface Write {
  readonly resource: Resource;
  readonly operation?: Operation;
  readonly subresource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly user?: UserInfo;
  readonly object?: object;
  readonly oldObject?: object;
  readonly dryRun?: boolean;
}

/** What became of a write. */
export interface Outcome {
  /** The object as the plugin left it. */
  readonly object: ApiObject;
  /** Why it was refused: the message without `… is forbidden: `. */
  readonly refusal: string | undefined;
  readonly status: StatusError["status"] | undefined;
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Sends a write through one plugin, as the chain would. */
export async function admitWrite(plugin: Admission, write: Write): Promise<Outcome> {
  const warnings: string[] = [];
  const annotations: Record<string, string> = {};
  const request = requestOf(write, warnings, annotations);
  let status: StatusError["status"] | undefined;
  try {
    if (plugin.handles(request.operation, request.resource, request.subresource)) {
      if (request.operation !== "DELETE") await plugin.admit?.(request);
      await plugin.validate?.(request);
    }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    ({ status } = error);
  }
  const refusal = status?.message?.replace(/^.*? is forbidden: /, "");
  return { object: request.object as ApiObject, refusal, status, warnings, annotations };
}

/** The request that a described write is. */
export function requestOf(
  write: Write,
  warnings: string[] = [],
  annotations: Record<string, string> = {},
): AdmissionRequest {
  const { resource, operation = "CREATE", subresource = "" } = write;
  const prepare = (object: object | undefined): ApiObject | undefined =>
    object && (deepClone({ kind: resource.kind, apiVersion: "v1", metadata: {}, ...object }) as unknown as ApiObject);
  const [object, oldObject] = [prepare(write.object), prepare(write.oldObject)];
  return {
    uid: "uid",
    resource,
    subresource,
    name: write.name ?? object?.metadata.name ?? oldObject?.metadata.name ?? "",
    namespace: write.namespace ?? (resource.namespaced ? "ns" : ""),
    operation,
    user: write.user ?? { name: "tester", groups: ["system:authenticated"] },
    ...(object && { object }),
    ...(oldObject && { oldObject }),
    options: {},
    dryRun: write.dryRun ?? false,
    warn: (message) => void warnings.push(message),
    annotate: (key, value) => void (annotations[key] = value),
  };
}
