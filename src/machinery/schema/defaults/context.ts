import { featureGate } from "../../../api/index.ts";
import type { JsonObject } from "../../objects/fields.ts";

/** What rules may ask for besides the object. */
export interface DefaultsOptions {
  /** Whether a feature gate is on. Default: upstream's default for it. */
  readonly gate?: (name: string) => boolean;
  /** Milliseconds since the epoch; without it, rules that need the time do not run. */
  readonly now?: number;
}

/** Changes one struct of the type that the rule belongs to. */
export type Rule = (object: JsonObject, options: DefaultsOptions) => void;

/** Whether a gate is on. */
export function gateOn(options: DefaultsOptions, name: string): boolean {
  return options.gate ? options.gate(name) : (featureGate(name)?.default ?? false);
}
