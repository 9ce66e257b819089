import type { Draft, Resource } from "../api/index.ts";
import type { Client, ObjectKey, Patch, WriteOptions } from "./client.ts";

type Options = Omit<WriteOptions, "subresource">;

/** The verbs of a subresource whose type is not that of its object: scale, binding, eviction, token. */
export interface SubresourceClient<S> {
  get(key: ObjectKey, options?: { readonly signal?: AbortSignal }): Promise<S>;
  /** `kind` and `apiVersion` are filled in. */
  create(key: ObjectKey, body: Draft<S>, options?: Options): Promise<S>;
  update(key: ObjectKey, body: Draft<S>, options?: Options): Promise<S>;
  patch(key: ObjectKey, patch: Patch, options?: Options): Promise<S>;
}

/** `subresourceOf<autoscalingv1.Scale>(client, resources.deployments, "scale")`. */
export function subresourceOf<S>(client: Client, resource: Resource, subresource: string): SubresourceClient<S> {
  // What goes in and comes out is the subresource's object; the resource only gives the path.
  const api = client.resource(resource as Resource<S>);
  const at = (key: ObjectKey, body: Draft<S>): Draft<S> =>
    ({ ...body, metadata: { ...(body as { metadata?: object }).metadata, ...key } }) as Draft<S>;
  return {
    get: (key, options = {}) => api.get(key, { ...options, subresource }),
    create: (key, body, options = {}) => api.create(at(key, body), { ...options, subresource, name: key.name }),
    update: (key, body, options = {}) => api.update(at(key, body), { ...options, subresource }),
    patch: (key, patch, options = {}) => api.patch(key, patch, { ...options, subresource }),
  };
}
