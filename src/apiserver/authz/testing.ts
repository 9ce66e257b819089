import type { Resource } from "../../api/index.ts";
import type { Informer, InformerFactory } from "../../client/index.ts";

type Cached = { readonly metadata: { readonly name: string; readonly namespace?: string } };

/** Informers of a cluster that never changes, with indexes. For tests only. */
export function fixedInformers(...objects: readonly (readonly [Resource, object])[]): InformerFactory {
  const informer = (resource: Resource): Informer<Cached> => {
    const all = objects.filter(([of]) => of === resource).map(([, object]) => object as Cached);
    const indexes = new Map<string, (object: Cached) => readonly string[]>();
    const keyOf = ({ metadata: { name, namespace } }: Cached): string => (namespace ? `${namespace}/${name}` : name);
    return {
      resource: resource as Resource<Cached>,
      lister: {
        get: (key) => all.find((object) => keyOf(object) === key),
        list: (namespace) => all.filter((object) => namespace === undefined || object.metadata.namespace === namespace),
        byIndex: (index, value) => all.filter((object) => indexes.get(index)?.(object).includes(value)),
        size: all.length,
      },
      handle: () => () => undefined,
      addIndex: (index, values) => void indexes.set(index, values),
      synced: true,
      whenSynced: () => Promise.resolve(),
    };
  };
  return {
    name: "informers",
    informer: informer as unknown as InformerFactory["informer"],
    whenSynced: () => Promise.resolve(),
    drop: () => undefined,
    run: () => Promise.resolve(),
  };
}
