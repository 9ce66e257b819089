import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addContext, type ContextEntry, kubeconfigWritePath, removeContext as removeFrom } from "../../client/index.ts";
import type { ClusterPaths } from "./paths.ts";
import type { ClusterSpec } from "./spec.ts";

/** What the cluster's context, cluster and user are called. */
export function contextName(cluster: string): string {
  return `k8ts-${cluster}`;
}

/**
 * Merges the administrator's context into the user's kubeconfig and makes it current; writes the cluster's own copy too.
 * Returns the user's file. The server must have made its keys.
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
  await addContext(targetOf(spec), entry);
  return targetOf(spec);
}

/** Takes the cluster's context out of the user's kubeconfig. */
export async function removeContext(spec: ClusterSpec): Promise<void> {
  await removeFrom(targetOf(spec), contextName(spec.name));
}

function targetOf(spec: ClusterSpec): string {
  return spec.kubeconfig ?? kubeconfigWritePath();
}
