import type { metav1 } from "../../api/index.ts";

interface Protected {
  readonly metadata: metav1.ObjectMeta;
}

/** Whether the object is to go and only the finalizer is in the way. */
export function isGoing({ metadata }: Protected, finalizer: string): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);
}

/** Whether the object stays and lacks the finalizer. */
export function isUnprotected({ metadata }: Protected, finalizer: string): boolean {
  return metadata.deletionTimestamp === undefined && !(metadata.finalizers ?? []).includes(finalizer);
}

/** The object with the finalizer. */
export function protectedBy<T extends Protected>(object: T, finalizer: string): T {
  const finalizers = [...(object.metadata.finalizers ?? []), finalizer];
  return { ...object, metadata: { ...object.metadata, finalizers } };
}

/** The object without the finalizer. */
export function releasedFrom<T extends Protected>(object: T, finalizer: string): T {
  const finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
  return { ...object, metadata: { ...object.metadata, finalizers } };
}
