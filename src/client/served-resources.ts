import type { metav1, Resource } from "../api/index.ts";
import { apiVersionOf } from "../api/index.ts";
import type { CachedObject } from "./informer-types.ts";

/** An object of any kind, as far as its metadata goes. */
export interface AnyObject extends CachedObject {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata: metav1.ObjectMeta;
}

/** One group and version as discovery tells of it, in the server's order of preference. */
export interface ServedVersion {
  readonly group: string;
  readonly version: string;
  /** Absent: what it serves is unknown at present. */
  readonly resources?: readonly Resource<AnyObject>[];
}

/** What a server serves at one moment, to be looked up by what objects and references say. */
export class ServedResources {
  /** Every resource once, in its preferred version. */
  readonly preferred: readonly Resource<AnyObject>[];
  /** Every resource in every version. */
  readonly all: readonly Resource<AnyObject>[];
  /** `GROUP/VERSION`s of which it is not known at present what they serve. */
  readonly stale: readonly string[];
  readonly #byKind = new Map<string, Resource<AnyObject>>();
  readonly #byName = new Map<string, Resource<AnyObject>>();

  constructor(versions: readonly ServedVersion[]) {
    this.all = versions.flatMap((v) => v.resources ?? []);
    this.stale = versions.filter((v) => !v.resources).map(apiVersionOf);
    const preferred = new Map<string, Resource<AnyObject>>();
    for (const resource of this.all) {
      const kindKey = `${apiVersionOf(resource)}/${resource.kind}`;
      if (!this.#byKind.has(kindKey)) this.#byKind.set(kindKey, resource);
      const name = `${resource.group}/${resource.resource}`;
      if (!preferred.has(name)) preferred.set(name, resource);
      this.#byName.set(`${apiVersionOf(resource)}/${resource.resource}`, resource);
    }
    this.preferred = [...preferred.values()];
    for (const [name, resource] of preferred) this.#byName.set(name, resource);
  }

  /** The resource whose objects say `apiVersion` and `kind`. */
  byKind(apiVersion: string, kind: string): Resource<AnyObject> | undefined {
    return this.#byKind.get(`${apiVersion}/${kind}`);
  }

  /** The resource of a plural name, in `version` or its preferred one. */
  byName(group: string, resource: string, version?: string): Resource<AnyObject> | undefined {
    if (version === undefined) return this.#byName.get(`${group}/${resource}`);
    return this.#byName.get(`${apiVersionOf({ group, version })}/${resource}`);
  }

  /** Whether it is unknown at present what `group` serves. */
  isStale(group: string): boolean {
    return this.stale.some((gv) => (gv.includes("/") ? gv.slice(0, gv.indexOf("/")) : "") === group);
  }
}
