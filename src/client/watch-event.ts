/** The annotation of the bookmark that ends the initial events of a watch-list. */
export const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** What a BOOKMARK event's object says. */
export function bookmarkOf(object: unknown): { readonly resourceVersion: string; readonly initialEventsEnd: boolean } {
  const { metadata } = object as {
    readonly metadata: { readonly resourceVersion: string; readonly annotations?: Readonly<Record<string, string>> };
  };
  return {
    resourceVersion: metadata.resourceVersion,
    initialEventsEnd: metadata.annotations?.[INITIAL_EVENTS_END] === "true",
  };
}
