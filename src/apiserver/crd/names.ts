import type { Definition, DefinitionNames } from "./definition/types.ts";

/** What became of the names that a definition asks for. */
export interface NameDecision {
  readonly names: DefinitionNames;
  readonly accepted: boolean;
  readonly reason: string;
  readonly message: string;
}

/** Gives a definition the names that it asks for, save those that others of its group hold. Names it has it keeps. */
export function decideNames(definition: Definition, others: Iterable<Definition>): NameDecision {
  const wanted = definition.spec.names;
  const had = definition.status.acceptedNames;
  const [resources, kinds] = [new Set<string>(), new Set<string>()];
  for (const { metadata, spec, status } of others) {
    if (spec.group !== definition.spec.group || metadata.name === definition.metadata.name) continue;
    const { plural, singular, shortNames, kind, listKind } = status.acceptedNames;
    for (const name of [plural, singular, ...(shortNames ?? [])]) if (name) resources.add(name);
    for (const name of [kind, listKind]) if (name) kinds.add(name);
  }
  const names: DefinitionNames = { ...had };
  let problem: { reason: string; message: string } | undefined;
  const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`;
  const take = (
    field: "plural" | "singular" | "kind" | "listKind",
    taken: ReadonlySet<string>,
    reason: string,
  ): void => {
    const name = wanted[field] ?? "";
    if (name !== (had[field] ?? "") && taken.has(name)) problem = { reason, message: inUse(name) };
    else if (name !== "") names[field] = name;
  };
  take("plural", resources, "PluralConflict");
  take("singular", resources, "SingularConflict");
  const clashes = (wanted.shortNames ?? []).filter((n) => !(had.shortNames ?? []).includes(n) && resources.has(n));
  if (clashes.length > 0) {
    const [first = ""] = clashes;
    const message = clashes.length === 1 ? inUse(first) : `[${clashes.map(inUse).join(", ")}]`;
    problem = { reason: "ShortNamesConflict", message };
  } else setList(names, "shortNames", wanted.shortNames);
  take("kind", kinds, "KindConflict");
  take("listKind", kinds, "ListKindConflict");
  setList(names, "categories", wanted.categories);
  if (problem) return { names, accepted: false, ...problem };
  return { names, accepted: true, reason: "NoConflicts", message: "no conflicts found" };
}

function setList(names: DefinitionNames, field: "shortNames" | "categories", list: string[] | undefined): void {
  if (list === undefined) delete names[field];
  else names[field] = list;
}
