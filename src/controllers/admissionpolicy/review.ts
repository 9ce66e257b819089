import type { admissionregistrationv1, apiextensionsv1 } from "../../api/index.ts";
import type { ServedResources } from "../../client/index.ts";
import type { CelType } from "../../machinery/cel/index.ts";
import { parseApiVersion } from "../../machinery/index.ts";
import { checkPolicy, kindsOf } from "./check.ts";
import { builtInType, customType, type Kind } from "./types.ts";

/** What a policy's expressions are reviewed by. */
export interface Knowledge {
  readonly served: ServedResources;
  readonly definitions: Iterable<apiextensionsv1.CustomResourceDefinition>;
}

/** What is wrong with a policy's expressions, given what the server serves. */
export function reviewPolicy(
  policy: admissionregistrationv1.ValidatingAdmissionPolicy,
  { served, definitions }: Knowledge,
): admissionregistrationv1.ExpressionWarning[] {
  const typeOf = (kind: Kind): CelType | undefined => {
    const builtIn = builtInType(kind);
    if (builtIn !== undefined) return builtIn;
    for (const definition of definitions) {
      const { group, names } = definition.spec;
      if (group === kind.group && names.kind === kind.kind) return customType(definition, kind.version);
    }
    return undefined;
  };
  const kinds = kindsOf(policy, (group, version, name) => {
    const found = served.byName(group, name, version);
    return found === undefined ? undefined : { group, version, kind: found.kind };
  });
  const objects = kinds.flatMap((kind) => {
    const type = typeOf(kind);
    return type === undefined ? [] : [{ kind, type }];
  });
  const { paramKind } = policy.spec;
  const params =
    paramKind === undefined
      ? undefined
      : typeOf({ ...parseApiVersion(paramKind.apiVersion ?? "v1"), kind: paramKind.kind ?? "" });
  return checkPolicy(policy, { objects, ...(params === undefined ? {} : { params }) });
}
