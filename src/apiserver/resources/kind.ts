import type { Resource } from "../../api/index.ts";
import type { NameCheck } from "../../machinery/index.ts";
import type { FieldError, StrategyContext, UserInfo } from "../seams/index.ts";
import type { Gates } from "./common/gates.ts";
import type { ServiceAllocators } from "./services/allocators.ts";

/** What every kind may rely on. */
export interface KindEnv {
  readonly gates: Gates;
  /** Whether containers may be privileged (`--allow-privileged`). */
  readonly allowPrivileged: boolean;
  readonly services: ServiceAllocators;
}

/** A request, with what only a few kinds want to know of it. */
export interface KindContext extends StrategyContext {
  /** All that is known of who asks. */
  readonly userInfo?: UserInfo;
  /** The resource as it was addressed: its version may differ from the stored one. */
  readonly addressed?: Resource;
}

/**
 * What one subresource may change and how it is checked. Unless it says otherwise, it changes only the top-level field of
 * its own name, and metadata.
 */
export interface SubresourceKind<T> {
  /** The top-level fields that it may change, instead of the one of its own name. */
  readonly changes?: readonly string[];
  /** Metadata comes from the stored object, save managedFields and resourceVersion. */
  readonly keepMetadata?: boolean;
  prepare?(object: T, old: T, context: KindContext): void;
  /** What is wrong with the change, metadata aside. */
  validate?(object: T, old: T, context: KindContext): FieldError[];
  warnings?(object: T, old: T): string[];
}

/**
 * One kind's part of its strategy: data where data will do. `strategyOf` adds what all kinds share: status is emptied
 * on create and kept on update, spec is kept on status updates, generation counts changes, a new object's metadata is validated.
 */
export interface Kind<T> {
  /** How objects may be called; default an RFC 1123 subdomain. */
  readonly name?: NameCheck;
  /** Top-level fields (or `metadata.annotations`) whose change raises `metadata.generation`; absent: no generation. */
  readonly generation?: readonly string[];
  /** Finalizers without a domain are anybody's, not only Kubernetes' own. */
  readonly bareFinalizers?: boolean;
  /** The status a new object gets; default an empty one. */
  initialStatus?(object: T): object;
  prepareForCreate?(object: T, context: KindContext): void;
  /** Runs after the status was restored and before generation is decided. */
  prepareForUpdate?(object: T, old: T, context: KindContext): void;
  /** What is wrong with the object, metadata aside. `old` is there on update. */
  validate?(object: T, old: T | undefined, context: KindContext): FieldError[];
  /** What is wrong with the change itself, metadata aside. */
  validateChange?(object: T, old: T, context: KindContext): FieldError[];
  /** Update checks only the change, not the object by `validate` again. */
  readonly updateChecksChangeOnly?: boolean;
  readonly subresources?: Readonly<Record<string, SubresourceKind<T>>>;
  /** Warnings on create (`old` absent) and update. */
  warnings?(object: T, old: T | undefined): string[];
  gracefulDelete?(object: T, requested: number | undefined): number | undefined;
  begin?(object: T, old: T | undefined, context: KindContext): Promise<() => void>;
  afterDelete?(object: T): void | Promise<void>;
}

/** A kind's rules, made for one server. */
export type KindFactory<T> = (env: KindEnv) => Kind<T>;
