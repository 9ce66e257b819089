import { type Env, errorText } from "../kit/index.ts";
import type { Store } from "../store/index.ts";

/** As upstream's --etcd-compaction-interval, ms. */
const INTERVAL = 5 * 60_000;

/**
 * Forgets the store's history once it is older than one interval, until the signal aborts: watches and paged lists can
 * go on for at least that long.
 */
export async function compactRegularly(store: Store, env: Env, signal: AbortSignal): Promise<void> {
  let previous = 0;
  while (!signal.aborted) {
    await env.clock.sleep(INTERVAL, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      if (previous > 0) await store.compact(previous);
      previous = await store.revision();
    } catch (error) {
      env.log.warn("The store's history could not be compacted", { error: errorText(error) });
    }
  }
}
