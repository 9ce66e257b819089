import { LruMap } from "../../kit/index.ts";
import { Quantity } from "../../machinery/index.ts";
import { Interner } from "./interner.ts";

/** Numbers of the resources that every node has; all others follow as they are met. */
export const CPU = 0;
export const MEMORY = 1;
export const EPHEMERAL_STORAGE = 2;

/** Amounts by resource number: millicores of cpu, whole units of all else. */
export type Amounts = Map<number, number>;

const REMEMBERED = 1024;
/** Not counted as a resource: it is a column of its own. */
const PODS = "pods";

/** Reads resource lists into numbers. Texts repeat, so what was parsed is remembered. One per scheduler. */
export class ResourceReader {
  readonly names = new Interner(["cpu", "memory", "ephemeral-storage"]);
  readonly #milli = new LruMap<string, number>(REMEMBERED);
  readonly #whole = new LruMap<string, number>(REMEMBERED);

  /** Millicores, rounded up; 0 for what is no quantity. */
  milli(text: string): number {
    return remembered(this.#milli, text, (q) => q.milliValue());
  }

  /** Whole units, rounded up; 0 for what is no quantity. */
  whole(text: string): number {
    return remembered(this.#whole, text, (q) => q.value());
  }

  /** The number of a resource that the scheduler counts; undefined for others (`pods`, `storage`, ...). */
  idOf(name: string): number | undefined {
    const id = this.names.find(name);
    if (id !== undefined) return id;
    return isScalar(name) ? this.names.id(name) : undefined;
  }

  amountOf(id: number, text: string): number {
    return id === CPU ? this.milli(text) : this.whole(text);
  }

  /** A resource list in numbers; what the scheduler does not count is left out. */
  read(list: Readonly<Record<string, string>> | undefined): Amounts {
    const amounts: Amounts = new Map();
    if (!list) return amounts;
    for (const name in list) {
      const id = name === PODS ? undefined : this.idOf(name);
      if (id !== undefined) amounts.set(id, this.amountOf(id, list[name] as string));
    }
    return amounts;
  }
}

function remembered(known: LruMap<string, number>, text: string, read: (q: Quantity) => number): number {
  const value = known.get(text);
  if (value !== undefined) return value;
  const quantity = Quantity.tryParse(text);
  const made = quantity ? read(quantity) : 0;
  known.set(text, made);
  return made;
}

/** Extended resources, huge pages, prefixed native resources and attachable volumes (pkg/scheduler/util `IsScalarResourceName`). */
export function isScalar(name: string): boolean {
  return (
    isExtended(name) ||
    name.startsWith("hugepages-") ||
    name.includes("kubernetes.io/") ||
    name.startsWith("attachable-volumes-")
  );
}

/** A resource with a domain that is not Kubernetes' own. */
export function isExtended(name: string): boolean {
  return name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");
}
