import type { ScalarTag } from "yaml";

/**
 * How the resolver of upstream's YAML library reads plain scalars: YAML 1.1 booleans, octals with and without the o,
 * no base-60 numbers, dates as text.
 */
export const SCALAR_TAGS: readonly ScalarTag[] = [
  plain("null", /^(?:~|null|Null|NULL)?$/, () => null),
  plain("bool", /^(?:[yY]|[yY]es|YES|[tT]rue|TRUE|[oO]n|ON)$/, () => true),
  plain("bool", /^(?:[nN]|[nN]o|NO|[fF]alse|FALSE|[oO]ff|OFF)$/, () => false),
  plain("int", /^[-+]?(?:0|[1-9][0-9_]*)$/, (text) => integer(text, 10, 0)),
  plain("int", /^[-+]?0x[0-9a-fA-F_]+$/i, (text) => integer(text, 16, 2)),
  plain("int", /^[-+]?0o[0-7_]+$/i, (text) => integer(text, 8, 2)),
  plain("int", /^[-+]?0b[01_]+$/i, (text) => integer(text, 2, 2)),
  plain("int", /^[-+]?0[0-7_]+$/, (text) => integer(text, 8, 1)),
  plain("float", /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/, (text) =>
    Number(text.replaceAll("_", "")),
  ),
  plain("float", /^[-+]?\.(?:inf|Inf|INF)$/, (text) => (text.startsWith("-") ? -Infinity : Infinity)),
  plain("float", /^\.(?:nan|NaN|NAN)$/, () => NaN),
];

function plain(tag: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag {
  return { tag: `tag:yaml.org,2002:${tag}`, default: true, test, resolve };
}

/** An integer of that base after a sign and a prefix; as `bigint` where a double would lose digits of 64 bits. */
function integer(text: string, base: number, prefix: number): number | bigint {
  const negative = text.startsWith("-");
  const signed = negative || text.startsWith("+") ? 1 : 0;
  const digits = text.slice(signed + prefix).replaceAll("_", "");
  const value = Number.parseInt(digits === "" ? "0" : digits, base);
  if (Number.isSafeInteger(value)) return negative ? 0 - value : value;
  const letters: Record<number, string> = { 16: "0x", 8: "0o", 2: "0b" };
  const exact = BigInt((letters[base] ?? "") + digits) * (negative ? -1n : 1n);
  return BigInt.asIntN(64, exact) === exact ? exact : Number(exact);
}
