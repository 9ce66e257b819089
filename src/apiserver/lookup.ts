import type { Client } from "../client/index.ts";
import { isNotFound } from "../machinery/index.ts";
import type { Lookup } from "./seams/index.ts";

/** A {@link Lookup} through a client of the same process, whose reads come from the watch cache. */
export function clientLookup(client: Client): Lookup {
  return {
    async get(resource, name, namespace) {
      try {
        return await client.resource(resource).get({ name, ...(namespace !== undefined && { namespace }) });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async list(resource, namespace) {
      const list = await client.resource(resource).list(namespace === undefined ? {} : { namespace });
      return list.items;
    },
  };
}
