import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { CodedError } from "../../kit/index.ts";
import { parseKubeconfig } from "./parse.ts";
import type { Kubeconfig } from "./types.ts";

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface KubeconfigOptions {
  /** One file, which must exist, instead of `$KUBECONFIG` or the default. */
  readonly path?: string;
  /** Default: this process's. */
  readonly environment?: Environment;
}

/** The files that make up the kubeconfig, in order of precedence: the one named, `$KUBECONFIG`'s, or `~/.kube/config`. */
export function kubeconfigPaths(options: KubeconfigOptions = {}): string[] {
  if (options.path) return [resolve(options.path)];
  const environment = options.environment ?? process.env;
  const listed = (environment["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  if (listed.length > 0) return [...new Set(listed.map((path) => resolve(path)))];
  return [join(environment["HOME"] || homedir(), ".kube", "config")];
}

/**
 * Reads and merges as client-go does: of entries with the same name the first file's wins whole, and so does the first
 * current-context. Missing files are skipped, unless `path` names one. Rejects with `KubeconfigInvalid` (naming file and
 * line), `KubeconfigMissing` or `KubeconfigUnreadable`.
 */
export async function loadKubeconfig(options: KubeconfigOptions = {}): Promise<Kubeconfig> {
  const missing: string[] = [];
  const parts: Kubeconfig[] = [];
  for (const path of kubeconfigPaths(options)) {
    const text = await readIfThere(path);
    if (text !== undefined) parts.push(await parseKubeconfig(text, path));
    else if (options.path) throw new CodedError("KubeconfigMissing", `kubeconfig ${path} does not exist`);
    else missing.push(path);
  }
  return { ...mergeKubeconfigs(parts), missing };
}

/** Merges in order of precedence. */
export function mergeKubeconfigs(parts: readonly Kubeconfig[]): Kubeconfig {
  const first = <T>(maps: readonly ReadonlyMap<string, T>[]): Map<string, T> =>
    new Map(maps.toReversed().flatMap((map) => [...map]));
  return {
    clusters: first(parts.map((p) => p.clusters)),
    users: first(parts.map((p) => p.users)),
    contexts: first(parts.map((p) => p.contexts)),
    currentContext: parts.find((p) => p.currentContext !== "")?.currentContext ?? "",
    preferences: Object.assign({}, ...parts.toReversed().map((p) => p.preferences)) as Record<string, unknown>,
    files: parts.flatMap((p) => p.files),
    missing: parts.flatMap((p) => p.missing),
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CodedError("KubeconfigUnreadable", `cannot read kubeconfig ${path}: ${message}`, { cause });
  }
}
