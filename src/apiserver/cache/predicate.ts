import type { FieldSelector, Selector } from "../../machinery/index.ts";
import type { Item, StoredObject } from "./item.ts";

/** The value of a selectable field as text, empty when unset. */
export type FieldReader = (object: StoredObject, field: string) => string;

/** Which objects a list or watch wants. Immutable. */
export class Predicate {
  readonly namespace: string | undefined;
  readonly labels: Selector | undefined;
  readonly fields: FieldSelector | undefined;
  readonly #read: FieldReader;

  /** Selectors that select everything are to be given as undefined. */
  constructor(options: {
    readonly namespace?: string | undefined;
    readonly labels?: Selector | undefined;
    readonly fields?: FieldSelector | undefined;
    readonly read: FieldReader;
  }) {
    this.namespace = options.namespace === "" ? undefined : options.namespace;
    this.labels = options.labels?.empty ? undefined : options.labels;
    this.fields = options.fields?.empty ? undefined : options.fields;
    this.#read = options.read;
  }

  /** Whether only the namespace decides, so that no object needs parsing. */
  get selectsAll(): boolean {
    return this.labels === undefined && this.fields === undefined;
  }

  /** The one name that can match, if the field selector pins it. */
  get exactName(): string | undefined {
    return this.fields?.exact("metadata.name");
  }

  readonly matches = (item: Item): boolean => {
    if (this.namespace !== undefined && !item.key.startsWith(this.namespace + "/")) return false;
    if (this.selectsAll) return true;
    const object = item.object;
    if (this.labels && !this.labels.matches(object.metadata.labels)) return false;
    return !this.fields || this.fields.matches((field) => this.#read(object, field));
  };
}
