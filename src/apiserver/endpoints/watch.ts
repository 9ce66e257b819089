import { badRequest } from "../../machinery/index.ts";
import { parseRevision } from "../registry/list.ts";
import type { Answer } from "../request/answer.ts";
import { listOptions } from "../request/options.ts";
import { type EndpointCall, predicateOf } from "./call.ts";

/** A watch that does not say lasts this long at least, twice that at most (upstream's --min-request-timeout), seconds. */
const MIN_WATCH_SECONDS = 1800;

/** GET with `watch=true`. */
export async function watchEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, context, kind } = call;
  const options = listOptions(context.request.query, true, call.served.fields);
  const predicate = predicateOf(call, options);
  const asked = parseRevision(options.resourceVersion);
  const { cache } = kind;
  const initial = options.sendInitialEvents ?? (asked === undefined || asked === 0);
  if (initial && options.sendInitialEvents !== undefined && asked === undefined) await cache.fresh();
  else if (initial && asked !== undefined) await cache.reached(asked);
  else await cache.ready();
  if (options.continue !== "") throw badRequest("continue is not allowed on a watch");
  const watcher = cache.watch({
    predicate,
    bookmarks: options.allowWatchBookmarks,
    markInitialEnd: options.sendInitialEvents === true && options.allowWatchBookmarks,
    ...(!initial && { from: asked === undefined || asked === 0 ? cache.revision : asked }),
  });
  const seconds = options.timeoutSeconds ?? MIN_WATCH_SECONDS + core.env.random.int(MIN_WATCH_SECONDS);
  const timer = core.env.clock.setTimer(seconds * 1000, () => {
    if (options.allowWatchBookmarks)
      watcher.push({ type: "BOOKMARK", revision: cache.revision, initialEventsEnd: false });
    watcher.end();
  });
  const onAbort = (): void => watcher.end();
  context.signal.addEventListener("abort", onAbort, { once: true });
  watcher.onEnd(() => {
    timer.cancel();
    context.signal.removeEventListener("abort", onAbort);
  });
  if (context.signal.aborted) watcher.end();
  return { type: "watch", served: call.served, watcher };
}
