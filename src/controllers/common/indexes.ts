import { apiVersionOf, type corev1, type metav1, type Resource, resources } from "../../api/index.ts";
import type { AnyObject, CachedObject, Informer, InformerFactory, InformerOptions } from "../../client/index.ts";
import { getControllerOf, nothing, selectorFromMap } from "../../machinery/index.ts";
import { LabelClasses } from "./label-classes.ts";
import { Selected } from "./selected.ts";

interface WithMeta {
  readonly metadata: metav1.ObjectMeta;
}

/** Index of objects by the uid of their controller. */
export const BY_CONTROLLER = "controllerUid";
/** Index of objects without a controller, by namespace. */
export const ORPHANS = "orphansByNamespace";
/** Index of pods by node name. */
export const BY_NODE = "nodeName";
/** Index of pods by the claims (`namespace/name`) whose volumes they use. */
export const BY_CLAIM = "claim";
/** Index of objects by uid. */
export const BY_UID = "uid";

/** An informer of a resource that was not known beforehand. */
export interface AnyInformer {
  readonly informer: Informer<AnyObject>;
  /** Extensions may not answer: nobody should wait for theirs. */
  readonly builtIn: boolean;
  /** Call once when it is not needed any more, after taking handlers off. */
  release(): void;
}

const BUILT_IN = new Map((Object.values(resources) as Resource[]).map((resource) => [resourceKey(resource), resource]));

function resourceKey(resource: Resource): string {
  return `${apiVersionOf(resource)}/${resource.resource}`;
}

const uidOfController = (object: WithMeta): readonly string[] => {
  const controller = getControllerOf(object);
  return controller === undefined ? [] : [controller.uid];
};

const orphanNamespace = (object: WithMeta): readonly string[] =>
  getControllerOf(object) === undefined ? [object.metadata.namespace ?? ""] : [];

/** The claims that a pod uses, made for it or not. */
function claimsOf({ metadata, spec }: corev1.Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [`${metadata.namespace}/${persistentVolumeClaim.claimName}`];
    return ephemeral === undefined ? [] : [`${metadata.namespace}/${metadata.name}-${name}`];
  });
}

/**
 * The informers that all controllers of one manager share, with the indexes asked for, each added once. Ask while building a
 * controller: indexes must be there before the informers start.
 */
export class Caches {
  readonly #factory: InformerFactory;
  readonly #extensions: InformerFactory;
  readonly #users = new Map<Informer<AnyObject>, number>();
  readonly #indexed = new Map<unknown, Set<string>>();
  #podClasses: LabelClasses<corev1.Pod> | undefined;
  #servicePods: Selected<corev1.Service, corev1.Pod> | undefined;

  /** `extensions` is for resources that are not built in; it may show metadata only. */
  constructor(factory: InformerFactory, extensions: InformerFactory) {
    this.#factory = factory;
    this.#extensions = extensions;
  }

  informer<T extends CachedObject>(resource: Resource<T>, options?: InformerOptions): Informer<T> {
    return options === undefined ? this.#factory.informer(resource) : this.#factory.informer(resource, options);
  }

  /** The informer of whatever discovery has found: of a resource that is not built in it shows metadata, and ends with its last user. */
  any(resource: Resource<AnyObject>): AnyInformer {
    const builtIn = BUILT_IN.get(resourceKey(resource));
    if (builtIn !== undefined) {
      const informer = this.informer(builtIn as Resource<AnyObject>);
      return { informer, builtIn: true, release: () => undefined };
    }
    const informer = this.#extensions.informer(resource);
    this.#users.set(informer, (this.#users.get(informer) ?? 0) + 1);
    return { informer, builtIn: false, release: () => this.#release(informer) };
  }

  #release(informer: Informer<AnyObject>): void {
    const users = (this.#users.get(informer) ?? 1) - 1;
    if (users > 0) {
      this.#users.set(informer, users);
      return;
    }
    this.#users.delete(informer);
    this.#extensions.drop(informer);
  }

  /** Adds an index unless somebody did already: the name must always mean the same. */
  index<T extends CachedObject>(informer: Informer<T>, name: string, values: (object: T) => readonly string[]): void {
    const names = this.#indexed.get(informer) ?? new Set();
    this.#indexed.set(informer, names);
    if (names.has(name)) return;
    names.add(name);
    informer.addIndex(name, values);
  }

  /** Objects of a namespaced resource with {@link BY_CONTROLLER} and {@link ORPHANS}. */
  owned<T extends CachedObject & WithMeta>(resource: Resource<T>): Informer<T> {
    const informer = this.informer(resource);
    this.index(informer, BY_CONTROLLER, uidOfController);
    this.index(informer, ORPHANS, orphanNamespace);
    return informer;
  }

  /** All pods, with {@link BY_CONTROLLER}, {@link ORPHANS} and {@link BY_NODE}. */
  pods(): Informer<corev1.Pod> {
    const informer = this.owned(resources.pods);
    this.index(informer, BY_NODE, (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []));
    return informer;
  }

  /** All pods, with {@link BY_CLAIM} too. */
  podsByClaim(): Informer<corev1.Pod> {
    const informer = this.pods();
    this.index(informer, BY_CLAIM, claimsOf);
    return informer;
  }

  /** All pods by their labels. */
  podClasses(): LabelClasses<corev1.Pod> {
    this.#podClasses ??= new LabelClasses(this.pods());
    return this.#podClasses;
  }

  /** Services and the pods they select. A Service without selector selects none. */
  servicePods(): Selected<corev1.Service, corev1.Pod> {
    this.#servicePods ??= new Selected(this.informer(resources.services), this.pods(), this.podClasses(), ({ spec }) =>
      spec.selector === undefined ? nothing : selectorFromMap(spec.selector),
    );
    return this.#servicePods;
  }
}
