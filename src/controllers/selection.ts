import { CodedError } from "../kit/index.ts";
import { CONTROLLER_NAMES, type ControllerName } from "./names.ts";

/**
 * Which of upstream's controllers a `--controllers` list asks for: the first word about a name decides, `*` stands for those that
 * are on by default. Throws `ControllerUnknown` for a word that names none. Cloud controllers and those whose feature gates are off
 * are never asked for by `*`.
 */
export function selectControllers(
  words: readonly string[],
  gates: Readonly<Record<string, boolean>> = {},
): ReadonlySet<string> {
  const canonical = words.map(canonicalWord);
  const star = canonical.includes("*");
  const selected = Object.entries(CONTROLLER_NAMES).filter(([name, fact]) => {
    const word = canonical.find((candidate) => candidate === name || candidate === `-${name}`);
    if (word !== undefined) return word === name && gatesOpen(fact, gates);
    return star && !fact.disabledByDefault && !fact.cloud && gatesOpen(fact, gates);
  });
  return new Set(selected.map(([name]) => name));
}

function gatesOpen(fact: ControllerName, gates: Readonly<Record<string, boolean>>): boolean {
  return Object.entries(fact.gates).every(([gate, byDefault]) => gates[gate] ?? byDefault);
}

const BY_ALIAS = new Map(
  Object.entries(CONTROLLER_NAMES).flatMap(([name, fact]) => fact.aliases.map((alias) => [alias, name] as const)),
);

function canonicalWord(word: string): string {
  if (word === "*") return word;
  const minus = word.startsWith("-");
  const plain = minus ? word.slice(1) : word;
  const name = BY_ALIAS.get(plain) ?? plain;
  if (CONTROLLER_NAMES[name] === undefined) {
    const known = Object.keys(CONTROLLER_NAMES).join(", ");
    throw new CodedError("ControllerUnknown", `"${plain}" is not in the list of known controllers: ${known}`);
  }
  return minus ? `-${name}` : name;
}
