import type { Resource } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { type Clock, errorText } from "../../kit/index.ts";
import { deepClone } from "../../machinery/index.ts";
import { Predicate, type ResourceCache } from "../cache/index.ts";
import { withCondition } from "./conditions.ts";
import { CLEANUP, type Condition, type Definition, holds } from "./definition/types.ts";

/** What is needed to take a definition's objects away. */
export interface Cleanup {
  readonly client: Client;
  readonly clock: Clock;
  readonly definitions: Resource<Definition>;
  /** The objects; absent when the definition was never served. */
  readonly objects?: { readonly cache: ResourceCache; readonly resource: Resource | undefined };
}

const EVERYTHING = new Predicate({ read: () => "" });
const WAIT_MS = 60_000;
const POLL_MS = 500;

type Outcome = Omit<Condition, "lastTransitionTime">;

/** Deletes all objects of a definition that is going, waits until they are gone, then lets it go. Throws when they stay. */
export async function cleanUp(definition: Definition, with_: Cleanup, signal: AbortSignal): Promise<void> {
  const begun = await setTerminating(definition, with_, {
    type: "Terminating",
    status: "True",
    reason: "InstanceDeletionInProgress",
    message: "CustomResource deletion is in progress",
  });
  let outcome: Outcome;
  try {
    outcome = await deleteObjects(definition, with_, signal);
  } catch (error) {
    const message = `could not issue all deletes: ${errorText(error)}`;
    await setTerminating(begun, with_, {
      type: "Terminating",
      status: "True",
      reason: "InstanceDeletionFailed",
      message,
    });
    throw error;
  }
  const done = await setTerminating(begun, with_, outcome, outcome.status === "False");
  if (outcome.status === "True")
    throw new Error(`objects of ${done.metadata.name} are still there: ${outcome.message}`);
}

async function setTerminating(
  definition: Definition,
  { client, clock, definitions }: Cleanup,
  outcome: Outcome,
  release = false,
): Promise<Definition> {
  const next = deepClone(definition);
  next.status.conditions = withCondition(definition.status.conditions ?? [], outcome, clock.now()) as Condition[];
  if (release) next.metadata.finalizers = (next.metadata.finalizers ?? []).filter((name) => name !== CLEANUP);
  return client.resource(definitions).update(next as never, { subresource: "status" });
}

async function deleteObjects(definition: Definition, with_: Cleanup, signal: AbortSignal): Promise<Outcome> {
  const { client, clock, objects } = with_;
  if (!holds(definition, "Established") || !objects) {
    const message = "resource was never established";
    return { type: "Terminating", status: "False", reason: "NeverEstablished", message };
  }
  const { cache, resource } = objects;
  await cache.fresh();
  const namespaces = new Set(cache.snapshot(EVERYTHING).items.map((item) => item.namespace));
  for (const namespace of namespaces) {
    if (resource) await client.resource(resource).deleteCollection(namespace === "" ? {} : { namespace });
  }
  const until = clock.now() + WAIT_MS;
  await cache.fresh();
  while (cache.size > 0) {
    if (clock.now() >= until) {
      const message = "could not confirm zero CustomResources remaining: timed out waiting for the condition";
      return { type: "Terminating", status: "True", reason: "InstanceDeletionCheck", message };
    }
    await clock.sleep(POLL_MS, signal);
    await cache.fresh();
  }
  const message = "removed all instances";
  return { type: "Terminating", status: "False", reason: "InstanceDeletionCompleted", message };
}
