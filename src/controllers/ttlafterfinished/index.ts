import { type batchv1, resources } from "../../api/index.ts";
import { cacheKey } from "../../client/index.ts";
import { isNotFound, tryParseTime } from "../../machinery/index.ts";
import { keyOf } from "../common/claims.ts";
import { findCondition } from "../common/conditions.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { Loop } from "../common/loop.ts";

/** When a finished Job may go, in milliseconds since the epoch; `undefined` when it stays. */
export function expiryOf(job: batchv1.Job): number | undefined {
  const ttl = job.spec.ttlSecondsAfterFinished;
  const { conditions } = job.status;
  const done = [findCondition(conditions, "Complete"), findCondition(conditions, "Failed")].find(
    (c) => c?.status === "True",
  );
  if (ttl === undefined || done === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  const finished = tryParseTime(done.lastTransitionTime);
  return finished === undefined ? undefined : finished + ttl * 1000;
}

/** Finished Jobs with `ttlSecondsAfterFinished` are deleted, pods first, when their time is over. */
export const ttlAfterFinishedController: ControllerDefinition = {
  name: "ttl-after-finished-controller",
  account: "ttl-after-finished-controller",
  create: (context) => {
    const jobs = context.caches.informer(resources.jobs);
    const client = context.client.resource(resources.jobs);
    const { clock } = context.env;
    const left = (job: batchv1.Job): number | undefined => {
      const expiry = expiryOf(job);
      return expiry === undefined ? undefined : expiry - clock.now();
    };
    const loop = new Loop({
      context,
      informers: [jobs],
      reconcile: async (key, signal) => {
        const cached = jobs.lister.get(key);
        const wait = cached === undefined ? undefined : left(cached);
        if (cached === undefined || wait === undefined) return undefined;
        if (wait > 0) return wait;
        try {
          // The field may have been changed a moment ago: a deletion cannot be taken back.
          const live = await client.get(keyOf(cached), { signal });
          const still = left(live);
          if (still === undefined || still > 0) return still;
          const preconditions = { uid: live.metadata.uid, resourceVersion: live.metadata.resourceVersion };
          await client.delete(keyOf(live), { propagationPolicy: "Foreground", preconditions, signal });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    });
    const seen = (job: batchv1.Job): void => {
      if (expiryOf(job) !== undefined) loop.add(cacheKey(job));
    };
    jobs.handle({ added: seen, updated: seen });
    return loop;
  },
};
