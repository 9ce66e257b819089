import type { corev1 } from "../../api/index.ts";
import { LruMap } from "../../kit/index.ts";
import { type PodAffinityTerms, TermReader } from "./affinity-terms.ts";
import { type HostPort, hostPortsOf } from "./host-ports.ts";
import { DEFAULT_MEMORY, DEFAULT_MILLI_CPU, hasPodLevelRequests, NON_ZERO, podRequests } from "./pod-requests.ts";
import { type Amounts, CPU, MEMORY, ResourceReader } from "./resource-amounts.ts";

/** The labels of a pod within its namespace: what selectors look at. Shared by pods that have the same, as long as remembered. */
export class PodLabels {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;

  constructor(namespace: string, labels: Readonly<Record<string, string>>) {
    this.namespace = namespace;
    this.labels = labels;
  }
}

/** A pod with what the scheduler works out of it once. Plugins must not change it. */
export interface PodInfo {
  /** The object as last seen. */
  pod: corev1.Pod;
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
  readonly priority: number;
  /** On its way out: its deletion has begun. */
  readonly terminating: boolean;
  /** By resource number. */
  readonly requests: Amounts;
  /** Cpu (milli) and memory with defaults for containers that ask for none: only to spread pods. */
  readonly nonZeroCpu: number;
  readonly nonZeroMemory: number;
  readonly ports: readonly HostPort[];
  readonly labels: PodLabels;
  readonly affinity: PodAffinityTerms;
  /** Where the cache counts it, -1: nowhere; and its place in that node's list. The cache's own. */
  slot: number;
  place: number;
}

const REMEMBERED_LABELS = 8192;
const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/** Makes {@link PodInfo}s; remembers what pods have in common. One per scheduler. */
export class PodReader {
  readonly resources = new ResourceReader();
  readonly terms = new TermReader();
  readonly #labels = new LruMap<string, PodLabels>(REMEMBERED_LABELS);

  read(pod: corev1.Pod): PodInfo {
    const { metadata, spec } = pod;
    const requests = podRequests(pod, this.resources, { useStatus: true });
    const [nonZeroCpu, nonZeroMemory] = this.#nonZero(pod, requests);
    return {
      pod,
      key: `${metadata.namespace}/${metadata.name}`,
      uid: metadata.uid,
      priority: spec.priority ?? 0,
      terminating: metadata.deletionTimestamp !== undefined,
      requests,
      nonZeroCpu,
      nonZeroMemory,
      ports: hostPortsOf(pod),
      labels: this.labelsOf(metadata.namespace, metadata.labels ?? NO_LABELS),
      affinity: this.terms.read(pod),
      slot: -1,
      place: -1,
    };
  }

  labelsOf(namespace: string, labels: Readonly<Record<string, string>>): PodLabels {
    const key = labelsKey(namespace, labels);
    let found = this.#labels.get(key);
    if (!found) {
      found = new PodLabels(namespace, labels);
      this.#labels.set(key, found);
    }
    return found;
  }

  #nonZero(pod: corev1.Pod, requests: Amounts): [cpu: number, memory: number] {
    const { spec } = pod;
    const complete = [...spec.containers, ...(spec.initContainers ?? [])].every(
      ({ resources }) => resources?.requests?.["cpu"] !== undefined && resources.requests["memory"] !== undefined,
    );
    if (complete) return [requests.get(CPU) ?? 0, requests.get(MEMORY) ?? 0];
    const missing: Amounts = hasPodLevelRequests(pod) ? new Map() : NON_ZERO;
    if (missing !== NON_ZERO) {
      if (!requests.has(CPU)) missing.set(CPU, DEFAULT_MILLI_CPU);
      if (!requests.has(MEMORY)) missing.set(MEMORY, DEFAULT_MEMORY);
    }
    const filled = podRequests(pod, this.resources, { useStatus: true, missing });
    return [filled.get(CPU) ?? 0, filled.get(MEMORY) ?? 0];
  }
}

function labelsKey(namespace: string, labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels);
  if (names.length > 1) names.sort();
  let key = namespace;
  for (const name of names) key += `\n${name}=${labels[name]}`;
  return key;
}
