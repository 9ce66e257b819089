import { apiVersionOf, type Resource } from "../../../api/index.ts";
import { applyDefaults, deepClone, errorText, normalize } from "../../../machinery/index.ts";
import type { ApiObject, Strategy } from "../../seams/index.ts";
import type { KindContext } from "../kind.ts";

/** A change to an object: fields by path (`spec.containers.0.image`); `undefined` removes. */
export type Edits = Readonly<Record<string, unknown>>;

/** One kind under test: what the registry does with its strategy, step by step. For tests only. */
export class StrategyBench {
  readonly #resource: Resource;
  readonly #strategy: Strategy;
  readonly #base: object;
  readonly warnings: string[] = [];

  /** `base` is a valid object, without kind and apiVersion. */
  constructor(resource: Resource, strategy: Strategy, base: object) {
    this.#resource = resource;
    this.#strategy = strategy;
    this.#base = base;
  }

  /** The object as it reaches the strategy: defaulted and normal. */
  object(edits: Edits = {}): ApiObject {
    const { kind } = this.#resource;
    const metadata = { name: "x", uid: "u", ...(this.#resource.namespaced && { namespace: "ns" }) };
    const object = deepClone({ kind, apiVersion: apiVersionOf(this.#resource), metadata, ...this.#base });
    for (const [path, value] of Object.entries(edits)) set(object, path.split("."), value);
    return deepClone(normalize(applyDefaults(object))) as unknown as ApiObject;
  }

  /** The object as it would be stored. */
  async created(edits: Edits = {}): Promise<ApiObject> {
    const object = this.object(edits);
    await this.#strategy.begin?.(object, undefined, this.#context(""));
    this.#strategy.prepareForCreate?.(object, this.#context(""));
    return object;
  }

  /** What is wrong with a new object, as text. */
  async create(edits: Edits = {}): Promise<string[]> {
    const object = await this.created(edits);
    return (this.#strategy.validate?.(object, this.#context("")) ?? []).map(errorText);
  }

  /** The object as an update would store it. */
  async updated(old: ApiObject, edits: Edits, subresource = ""): Promise<ApiObject> {
    const object = deepClone(old);
    for (const [path, value] of Object.entries(edits)) set(object, path.split("."), value);
    await this.#strategy.begin?.(object, old, this.#context(subresource));
    this.#strategy.prepareForUpdate?.(object, old, this.#context(subresource));
    return object;
  }

  /** What is wrong with an update, as text; `stored` makes the old object of the base. */
  async update(
    edits: Edits,
    options: { readonly stored?: Edits; readonly subresource?: string } = {},
  ): Promise<string[]> {
    const { subresource = "" } = options;
    const old = await this.created();
    for (const [path, value] of Object.entries(options.stored ?? {})) set(old, path.split("."), value);
    const object = await this.updated(old, edits, subresource);
    return (this.#strategy.validateUpdate?.(object, old, this.#context(subresource)) ?? []).map(errorText);
  }

  #context(subresource: string): KindContext {
    return {
      user: "tester",
      userInfo: { name: "tester", groups: ["testers"] },
      subresource,
      dryRun: false,
      now: Date.UTC(2026, 0, 1),
      warn: (message) => void this.warnings.push(message),
    };
  }
}

function set(object: unknown, [head = "", ...rest]: readonly string[], value: unknown): void {
  const parent = object as Record<string, unknown>;
  const key = head.replaceAll("~", ".");
  if (rest.length > 0) set((parent[key] ??= {}), rest, value);
  else if (value === undefined) delete parent[key];
  else parent[key] = deepClone(value);
}
