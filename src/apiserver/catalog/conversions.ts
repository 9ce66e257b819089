import type { Resource } from "../../api/index.ts";
import { eventConversion } from "./convert-event.ts";
import { autoscalerConversion } from "./convert-autoscaler.ts";
import type { ObjectModel } from "./kind.ts";

type Conversion = NonNullable<ObjectModel["convert"]>;

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  "events.v1.events.k8s.io": eventConversion,
  "horizontalpodautoscalers.v1.autoscaling": autoscalerConversion,
};

/** How a served version differs from the stored one; undefined: in its apiVersion only. */
export function conversionOf(resource: Resource): Conversion | undefined {
  return CONVERSIONS[`${resource.resource}.${resource.version}.${resource.group}`];
}
