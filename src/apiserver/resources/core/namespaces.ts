import type { corev1 } from "../../../api/index.ts";
import { invalidValue, isQualifiedName, nameIsDnsLabel } from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import type { Kind } from "../kind.ts";

type Namespace = corev1.Namespace;
const NAME_LABEL = "kubernetes.io/metadata.name";

/** Namespaces: kept until their `kubernetes` finalizer is removed, and labelled with their name. */
export function namespaces(): Kind<Namespace> {
  return {
    name: nameIsDnsLabel,
    initialStatus: () => ({ phase: "Active" }),
    prepareForCreate(namespace) {
      const spec = (namespace.spec ??= {});
      if (!spec.finalizers?.includes("kubernetes")) spec.finalizers = [...(spec.finalizers ?? []), "kubernetes"];
      label(namespace);
    },
    prepareForUpdate(namespace, old) {
      const finalizers = old.spec.finalizers;
      namespace.spec = { ...namespace.spec, ...(finalizers && { finalizers: [...finalizers] }) };
      if (!finalizers) delete namespace.spec.finalizers;
      label(namespace);
    },
    validate: (namespace) => validateFinalizers(namespace, () => "spec.finalizers"),
    subresources: {
      status: { prepare: label, validate: validatePhase },
      finalize: {
        changes: ["spec"],
        prepare: label,
        validate: (namespace) => validateFinalizers(namespace, (i) => `spec.finalizers[${i}]`),
      },
    },
  };
}

function label(namespace: Namespace): void {
  namespace.metadata.labels = { ...namespace.metadata.labels, [NAME_LABEL]: namespace.metadata.name };
}

function validateFinalizers(namespace: Namespace, path: (i: number) => string): Errors {
  const errors: Errors = [];
  for (const [i, name] of (namespace.spec?.finalizers ?? []).entries()) {
    invalidEach(errors, path(i), name, isQualifiedName(name));
    if (!name.includes("/") && !["kubernetes", "orphan", "foregroundDeletion"].includes(name)) {
      const words = "name is neither a standard finalizer name nor is it fully qualified";
      errors.push(invalidValue(path(i), name, words));
    }
  }
  return errors;
}

function validatePhase({ metadata, status }: Namespace): Errors {
  const phase = status?.phase ?? "";
  if (metadata.deletionTimestamp === undefined) {
    if (phase === "Active") return [];
    return [invalidValue("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty")];
  }
  if (phase === "Terminating") return [];
  return [invalidValue("status.Phase", phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
}
