import { type corev1, resources } from "../../api/index.ts";
import type { Component } from "../../kit/index.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { isGoing, isUnprotected, protectedBy, releasedFrom } from "./finalizer.ts";

const FINALIZER = "kubernetes.io/vac-protection";
/** Index of claims and volumes by the attributes classes that they name. */
const BY_ATTRIBUTES = "volumeAttributesClass";

/** Keeps volume attributes classes that are deleted until no claim and no volume names them. */
export function attributesClassProtection(context: ControllerContext): Component {
  const { caches } = context;
  const classes = caches.informer(resources.volumeattributesclasses);
  const claims = caches.informer(resources.persistentvolumeclaims);
  const volumes = caches.informer(resources.persistentvolumes);
  caches.index(claims, BY_ATTRIBUTES, namedByClaim);
  caches.index(volumes, BY_ATTRIBUTES, namedByVolume);
  const isUsed = (name: string): boolean =>
    [claims.lister.byIndex(BY_ATTRIBUTES, name), volumes.lister.byIndex(BY_ATTRIBUTES, name)].some(
      (users: Iterable<unknown>) => [...users].length > 0,
    );
  const client = context.client.resource(resources.volumeattributesclasses);
  const loop = new Loop({
    context,
    informers: [classes, claims, volumes],
    reconcile: async (name, signal) => {
      const found = classes.lister.get(name);
      if (found === undefined) return;
      if (isUnprotected(found, FINALIZER)) await client.update(protectedBy(found, FINALIZER), { signal });
      else if (isGoing(found, FINALIZER) && !isUsed(name))
        await client.update(releasedFrom(found, FINALIZER), { signal });
    },
  });
  loop.follow(classes);
  const wake = (names: readonly string[]): void => {
    for (const name of names) if (classes.lister.get(name) !== undefined) loop.add(name);
  };
  claims.handle({
    updated: (_claim, before) => wake(namedByClaim(before)),
    deleted: (claim) => wake(namedByClaim(claim)),
  });
  volumes.handle({
    updated: (_volume, before) => wake(namedByVolume(before)),
    deleted: (volume) => wake(namedByVolume(volume)),
  });
  return loop;
}

function namedByClaim({ spec, status }: corev1.PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status.currentVolumeAttributesClassName,
    status.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name) => name !== undefined && name !== ""))] as string[];
}

function namedByVolume({ spec }: corev1.PersistentVolume): string[] {
  return spec.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
}
