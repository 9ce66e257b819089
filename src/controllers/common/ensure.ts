import type { Draft } from "../../api/index.ts";
import type { ResourceClient } from "../../client/index.ts";
import { isAlreadyExists } from "../../machinery/index.ts";

/** Creates an object unless one of its name is there. */
export async function ensureExists<T>(client: ResourceClient<T>, object: Draft<T>, signal: AbortSignal): Promise<void> {
  try {
    await client.create(object, { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
