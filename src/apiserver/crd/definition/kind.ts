import type { ApiObject } from "../../seams/index.ts";
import type { Kind } from "../../resources/kind.ts";
import { anySchema, CLEANUP, type Definition, type DefinitionSpec, schemasOf } from "./types.ts";

type Rules = typeof import("./validate.ts");

/** The rules of CustomResourceDefinitions. Those that look into schemas are loaded with the first write of one. */
export function customResourceDefinitions(): Kind<Definition> {
  let rules: Rules | undefined;
  const loaded = (): Rules => {
    if (!rules) throw new Error("the rules of CustomResourceDefinitions are used before they are loaded");
    return rules;
  };
  return {
    generation: ["spec"],
    bareFinalizers: true,
    async begin() {
      // What serves it is needed next, by a loop that nobody waits for.
      [rules] = await Promise.all([import("./validate.ts"), import("../serving/serve.ts")]);
      return () => undefined;
    },
    initialStatus: (definition) => ({ ...EMPTY_STATUS, storedVersions: storedVersions([], definition.spec) }),
    prepareForUpdate(definition) {
      const { status } = definition;
      definition.status = { ...status, storedVersions: storedVersions(status.storedVersions ?? [], definition.spec) };
    },
    validate: (definition, old) => loaded().validateDefinition(definition, old),
    subresources: { status: { validate: (definition) => loaded().validateStatus(definition) } },
    warnings: (definition, old) => formatWarnings(definition.spec, old?.spec, loaded().KNOWN_FORMATS),
  };
}

const EMPTY_STATUS = { conditions: null, acceptedNames: { plural: "", kind: "" } };

/** The versions that objects may be stored in: those before, and the one that is written now. */
function storedVersions(before: readonly string[], spec: DefinitionSpec): string[] {
  const storage = (spec.versions ?? []).find((version) => version.storage)?.name;
  return storage === undefined || before.includes(storage) ? [...before] : [...before, storage];
}

/** Marks a definition as deleted: its objects go before it. */
export function terminateDefinition(object: ApiObject): void {
  const definition = object as unknown as Definition;
  const finalizers = definition.metadata.finalizers ?? [];
  if (!finalizers.includes(CLEANUP)) definition.metadata.finalizers = [...finalizers, CLEANUP];
  const pending = {
    type: "Terminating",
    status: "True",
    lastTransitionTime: definition.metadata.deletionTimestamp,
    reason: "InstanceDeletionPending",
    message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
  };
  const others = (definition.status.conditions ?? []).filter((condition) => condition.type !== pending.type);
  definition.status.conditions = [...others, pending] as NonNullable<Definition["status"]["conditions"]>;
}

function formatWarnings(spec: DefinitionSpec, old: DefinitionSpec | undefined, known: ReadonlySet<string>): string[] {
  const before = old ? unknownFormats(old, known) : new Set<string>();
  return [...unknownFormats(spec, known)]
    .filter((format) => !before.has(format))
    .toSorted()
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function unknownFormats(spec: DefinitionSpec, known: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  for (const schema of schemasOf(spec)) {
    anySchema(schema, ({ format }) => {
      if (format && !known.has(format)) found.add(format);
      return false;
    });
  }
  return found;
}
