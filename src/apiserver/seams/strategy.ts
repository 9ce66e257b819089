import type { FieldError } from "../../machinery/index.ts";
import type { ApiObject } from "./admission.ts";

export type { FieldError };

/** What a request tells a strategy. */
export interface StrategyContext {
  readonly user: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  /** Milliseconds since the epoch, from the server's clock. */
  readonly now: number;
  warn(message: string): void;
}

/**
 * What a kind adds to the generic registry: a folder in `apiserver/resources/`. All are optional; objects are private to
 * the request and changed in place by the prepare steps. `old` is never changed.
 */
export interface Strategy {
  /** Runs after defaulting, before admission validates: clears status, sets generation 1, ... */
  prepareForCreate?(object: ApiObject, context: StrategyContext): void;
  /** Keeps what the subresource may not change, bumps generation, ... */
  prepareForUpdate?(object: ApiObject, old: ApiObject, context: StrategyContext): void;
  validate?(object: ApiObject, context: StrategyContext): FieldError[];
  validateUpdate?(object: ApiObject, old: ApiObject, context: StrategyContext): FieldError[];
  warningsOnCreate?(object: ApiObject): string[];
  warningsOnUpdate?(object: ApiObject, old: ApiObject): string[];
  /** Seconds of grace for a DELETE that does not say, and whether the object stays until they pass (Pods). */
  gracefulDelete?(object: ApiObject, requested: number | undefined): number | undefined;
  /** Allocates what must be unique (cluster IPs, node ports) before the commit; the returned function gives it back when the commit fails. */
  begin?(object: ApiObject, old: ApiObject | undefined, context: StrategyContext): Promise<() => void>;
  /** After a commit that removed the object. */
  afterDelete?(object: ApiObject): void | Promise<void>;
}
