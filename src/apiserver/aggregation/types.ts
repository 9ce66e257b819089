import type { apiregistrationv1, metav1 } from "../../api/index.ts";

export type ApiService = apiregistrationv1.APIService;

/** A group and version that another server answers for, reached through a Service. */
export interface Remote {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  /** What its discovery last said; absent: nothing yet. */
  readonly resources?: readonly metav1.APIResource[];
  /** The last check failed: what is known of it may be old. */
  readonly stale: boolean;
}

/** `v1.` of the core group, `v1.apps` of others: what the APIService of a group and version is called. */
export function apiServiceName(group: string, version: string): string {
  return `${version}.${group}`;
}

/** The label that says who keeps an APIService: `onstart` made once, `true` comes and goes with a definition. */
export const AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged";
