import { type FieldError, invalidValue } from "../../../machinery/index.ts";

export type Level = "privileged" | "baseline" | "restricted";

/** A level as some minor version defined it; `Infinity`: the latest. */
export interface Standard {
  readonly level: Level;
  readonly minor: number;
}

/** What a namespace asks of its pods: refused, noted in the audit log, or warned of when they break it. */
export interface Policy {
  readonly enforce: Standard;
  readonly audit: Standard;
  readonly warn: Standard;
}

export const PREFIX = "pod-security.kubernetes.io/";
const LEVELS: readonly Level[] = ["privileged", "baseline", "restricted"];

/** How strict a level is. */
export function strictness(level: Level): number {
  return LEVELS.indexOf(level);
}

/** `restricted:v1.35` or `restricted:latest`. */
export function standardText({ level, minor }: Standard): string {
  return `${level}:${minor === Infinity ? "latest" : `v1.${minor}`}`;
}

/**
 * The policy in a namespace's labels. What cannot be read is taken for the strictest when it comes to enforcing, and for
 * nothing when it comes to talking; either way it is reported.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy,
): { readonly policy: Policy; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  const read = <T>(key: string, otherwise: T, parse: (text: string) => T | undefined, words: string, bad: T): T => {
    const text = labels?.[PREFIX + key];
    if (text === undefined) return otherwise;
    const value = parse(text);
    if (value === undefined) errors.push(invalidValue(`metadata.labels[${PREFIX}${key}]`, text, words));
    return value ?? bad;
  };
  const standard = (mode: keyof Policy, bad: Level): Standard => ({
    level: read(mode, defaults[mode].level, parseLevel, `must be one of ${LEVELS.join(", ")}`, bad),
    minor: read(`${mode}-version`, defaults[mode].minor, parseVersion, 'must be "latest" or "v1.x"', Infinity),
  });
  const enforce = standard("enforce", "restricted");
  const audit = standard("audit", "privileged");
  let warn = standard("warn", "privileged");
  const has = (key: string): boolean => labels?.[PREFIX + key] !== undefined;
  const readable = parseLevel(labels?.[`${PREFIX}enforce`] ?? "") !== undefined;
  if (!has("warn") && readable && strictness(enforce.level) > strictness(warn.level)) {
    warn = { level: enforce.level, minor: has("warn-version") ? warn.minor : enforce.minor };
  }
  return { policy: { enforce, audit, warn }, errors };
}

function parseLevel(text: string): Level | undefined {
  return LEVELS.find((level) => level === text);
}

function parseVersion(text: string): number | undefined {
  if (text === "latest") return Infinity;
  const [, minor] = /^v1\.(0|[1-9]\d*)$/.exec(text) ?? [];
  return minor === undefined ? undefined : Number(minor);
}
