import { existsSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  addContext,
  type ContextEntry,
  kubeconfigWritePath,
  parseKubeconfig,
  removeContext as removeFrom,
} from "../../client/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ClusterPaths } from "./paths.ts";
import type { ClusterSpec } from "./spec.ts";

/** A file that the cluster's context was merged into. */
interface Merged {
  readonly file: string;
  /** Whether we made the file, so that it goes when nothing else is left in it. */
  readonly made: boolean;
  /** The folder that had to be made for it. */
  readonly madeFolder?: string;
}

/** What the cluster's context, cluster and user are called. */
export function contextName(cluster: string): string {
  return `k8ts-${cluster}`;
}

/**
 * Merges the administrator's context into the user's kubeconfig and makes it current; writes the cluster's own copy too.
 * Returns the user's file. The server must have made its keys. Remembers the file, because the user's environment may say
 * another one when the cluster is deleted.
 */
export async function mergeContext(paths: ClusterPaths, spec: ClusterSpec): Promise<string> {
  const read = (file: string): string => readFileSync(join(paths.pki, file), "utf8");
  const entry: ContextEntry = {
    name: contextName(spec.name),
    server: `https://127.0.0.1:${spec.apiPort}`,
    caData: read("ca.crt"),
    clientCertData: read("admin.crt"),
    clientKeyData: read("admin.key"),
  };
  await addContext(paths.kubeconfig, entry);
  const file = resolve(spec.kubeconfig ?? kubeconfigWritePath());
  remember(paths, file);
  try {
    await addContext(file, entry);
  } catch (cause) {
    throw new CliError(`cluster ${spec.name} runs, but ${(cause as Error).message}`, {
      hint: `mend the file, then: k8ts kubeconfig --merge --name ${spec.name}; or use: export KUBECONFIG=${paths.kubeconfig}`,
      cause,
    });
  }
  return file;
}

/**
 * Takes the cluster's context out of every file that it was merged into, and removes those that we made and that hold
 * nothing else. Returns what could not be done, in words: a broken file must not keep a cluster from being deleted.
 */
export async function removeContext(paths: ClusterPaths, cluster: string): Promise<string[]> {
  const complaints: string[] = [];
  for (const merged of mergedInto(paths)) {
    try {
      if (existsSync(merged.file)) await removeFrom(merged.file, contextName(cluster));
      await removeIfOurs(merged);
    } catch (error) {
      complaints.push(`context ${contextName(cluster)} is left in ${merged.file}: ${(error as Error).message}`);
    }
  }
  return complaints;
}

function remember(paths: ClusterPaths, file: string): void {
  const known = mergedInto(paths);
  if (known.some((merged) => merged.file === file)) return;
  let madeFolder: string | undefined;
  for (let folder = dirname(file); !existsSync(folder); folder = dirname(folder)) madeFolder = folder;
  const merged: Merged = { file, made: !existsSync(file), ...(madeFolder && { madeFolder }) };
  writeFileSync(paths.merged, JSON.stringify([...known, merged]), { mode: 0o600 });
}

function mergedInto(paths: ClusterPaths): Merged[] {
  try {
    return JSON.parse(readFileSync(paths.merged, "utf8")) as Merged[];
  } catch {
    return []; // Never merged, or the note was cut short by a crash before anything was merged.
  }
}

async function removeIfOurs({ file, made, madeFolder }: Merged): Promise<void> {
  if (!made || !existsSync(file)) return;
  const { clusters, contexts, users } = await parseKubeconfig(readFileSync(file, "utf8"), file);
  if ([clusters, contexts, users].some((entries) => entries.size > 0)) return;
  rmSync(file);
  if (!madeFolder) return;
  try {
    for (let folder = dirname(file); folder.length >= madeFolder.length; folder = dirname(folder)) rmdirSync(folder);
  } catch {
    // Somebody else keeps something there by now.
  }
}
