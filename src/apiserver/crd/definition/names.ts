import { type FieldError, invalidValue, isDns1035Label } from "../../../machinery/index.ts";
import type { DefinitionNames } from "./types.ts";

/** What is wrong with the names of a definition, asked for or accepted. Empty ones are not looked at. */
export function validateNames(names: DefinitionNames, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const label = (at: string, value: string | undefined): void => {
    const wrong = value ? isDns1035Label(value) : [];
    if (wrong.length > 0) errors.push(invalidValue(at, value, wrong.join(",")));
  };
  const mixed = (at: string, value: string | undefined): void => {
    const wrong = value ? isDns1035Label(value.toLowerCase()) : [];
    const detail = `may have mixed case, but should otherwise match: ${wrong.join(",")}`;
    if (wrong.length > 0) errors.push(invalidValue(at, value, detail));
  };
  label(`${path}.plural`, names.plural);
  label(`${path}.singular`, names.singular);
  mixed(`${path}.kind`, names.kind);
  mixed(`${path}.listKind`, names.listKind);
  for (const [i, name] of (names.shortNames ?? []).entries()) label(`${path}.shortNames[${i}]`, name);
  if (names.kind && names.kind === names.listKind) {
    errors.push(invalidValue(`${path}.listKind`, names.listKind, "kind and listKind may not be the same"));
  }
  for (const [i, name] of (names.categories ?? []).entries()) label(`${path}.categories[${i}]`, name);
  return errors;
}
