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

/**
 * A list whose items say what they are. Over the network the items of a list carry neither kind nor apiVersion; those that
 * lack them are copied one level deep, all others stay the same objects.
 */
export function withItemKinds<L extends { readonly items: readonly unknown[] }>(list: L): L {
  const { kind = "", apiVersion } = list as { readonly kind?: string; readonly apiVersion?: string };
  const itemKind = kind.endsWith("List") ? kind.slice(0, -"List".length) : "";
  const first = list.items[0] as { readonly kind?: string } | undefined;
  if (itemKind === "" || !first || first.kind !== undefined) return list;
  return { ...list, items: list.items.map((item) => ({ kind: itemKind, apiVersion, ...(item as object) })) };
}
