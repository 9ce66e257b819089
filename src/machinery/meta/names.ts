import { type FormatCheck, isDns1035Label, isDns1123Label, isDns1123Subdomain } from "../field/formats.ts";

/** Checks a name, or a prefix that a suffix will follow. Empty when it is good. */
export type NameCheck = (name: string, prefix: boolean) => string[];

/** A name ending in a dash is fine as a prefix: judged with the dash replaced, as upstream does. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name;
}

function asName(check: FormatCheck): NameCheck {
  return (name, prefix) => check(prefix ? maskTrailingDash(name) : name);
}

/** Most kinds. */
export const nameIsDnsSubdomain = asName(isDns1123Subdomain);
/** Namespaces. */
export const nameIsDnsLabel = asName(isDns1123Label);
/** Services. */
export const nameIsDns1035Label = asName(isDns1035Label);

/** What no object may be called, because its name is one segment of its path. RBAC names have no other rule. */
export const nameIsPathSegment: NameCheck = (name, prefix) => {
  if (!prefix && (name === "." || name === "..")) return [`may not be '${name}'`];
  const errors: string[] = [];
  for (const illegal of ["/", "%"]) if (name.includes(illegal)) errors.push(`may not contain '${illegal}'`);
  return errors;
};

const MAX_GENERATED = 63;
/** Length of the suffix that follows `generateName`. */
export const SUFFIX_LENGTH = 5;

/** `generateName` and five characters, cut so that the whole fits a label. `suffix` is `Random.suffix`. */
export function generateName(base: string, suffix: (length: number) => string): string {
  return base.slice(0, MAX_GENERATED - SUFFIX_LENGTH) + suffix(SUFFIX_LENGTH);
}
