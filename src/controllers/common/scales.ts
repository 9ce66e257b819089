import type { autoscalingv1, Resource } from "../../api/index.ts";
import { type AnyObject, type Client, discover, ServedResources, subresourceOf } from "../../client/index.ts";
import type { Env } from "../../kit/index.ts";
import { parseApiVersion } from "../../machinery/index.ts";

/** What a reference to something of any kind says. */
export interface KindReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** A kind that was unknown a moment ago is asked for again only after this. */
const LOOK_AGAIN_AFTER_MS = 10_000;

/** The scale subresources of whatever has one, found by discovery: built-in kinds and custom ones alike. */
export class Scales {
  readonly #client: Client;
  readonly #env: Pick<Env, "clock">;
  #served = new ServedResources([]);
  #askedAt = -Infinity;

  constructor(client: Client, env: Pick<Env, "clock">) {
    this.#client = client;
    this.#env = env;
  }

  /**
   * The resource of a kind: in the version of the reference or, where that is not served, in the preferred one of its group;
   * `undefined` when the server does not know the kind.
   */
  async resourceOf(
    { apiVersion, kind }: Pick<KindReference, "apiVersion" | "kind">,
    signal: AbortSignal,
  ): Promise<Resource<AnyObject> | undefined> {
    const known = this.#lookUp(apiVersion, kind);
    if (known !== undefined || this.#env.clock.now() < this.#askedAt + LOOK_AGAIN_AFTER_MS) return known;
    this.#served = await discover(this.#client, signal);
    this.#askedAt = this.#env.clock.now();
    return this.#lookUp(apiVersion, kind);
  }

  #lookUp(apiVersion: string, kind: string): Resource<AnyObject> | undefined {
    const exact = this.#served.byKind(apiVersion, kind);
    if (exact !== undefined) return exact;
    const { group } = parseApiVersion(apiVersion);
    return this.#served.preferred.find((resource) => resource.group === group && resource.kind === kind);
  }

  /** Rejects with NotFound when there is no such object, or none that can be scaled. */
  get(
    resource: Resource,
    key: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<autoscalingv1.Scale> {
    return subresourceOf<autoscalingv1.Scale>(this.#client, resource, "scale").get(key, { signal });
  }

  /** Writes the scale; rejects with Conflict when somebody else has since. */
  update(resource: Resource, scale: autoscalingv1.Scale, signal: AbortSignal): Promise<autoscalingv1.Scale> {
    const { name, namespace = "" } = scale.metadata;
    return subresourceOf<autoscalingv1.Scale>(this.#client, resource, "scale").update({ name, namespace }, scale, {
      signal,
    });
  }
}
