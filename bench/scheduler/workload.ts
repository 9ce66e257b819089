import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { decodeYaml } from "../../src/machinery/index.ts";

/** A step of a workload; see upstream's test/integration/scheduler_perf for what each means. */
export type Op =
  | CreateNodes
  | {
      readonly opcode: "createNamespaces";
      readonly prefix: string;
      readonly count?: number;
      readonly countParam?: string;
      readonly namespaceTemplatePath?: string;
    }
  | CreatePods
  | {
      readonly opcode: "createPodSets";
      readonly count?: number;
      readonly countParam?: string;
      readonly namespacePrefix: string;
      readonly createPodsOp: CreatePods;
    }
  | {
      readonly opcode: "createAny";
      readonly count?: number;
      readonly countParam?: string;
      readonly namespace?: string;
      readonly templatePath: string;
    }
  | {
      readonly opcode: "deletePods";
      readonly namespace: string;
      readonly deletePodsPerSecond?: number;
      readonly skipWaitToCompletion?: boolean;
    }
  | Churn
  | {
      readonly opcode: "barrier";
      readonly namespaces?: readonly string[];
      readonly stageRequirement?: "Scheduled" | "Attempted";
    }
  | { readonly opcode: "sleep"; readonly duration: string; readonly durationParam?: string }
  | { readonly opcode: "startCollectingMetrics"; readonly name?: string; readonly namespaces: readonly string[] }
  | { readonly opcode: "stopCollectingMetrics" };

export interface CreateNodes {
  readonly opcode: "createNodes";
  readonly count?: number;
  readonly countParam?: string;
  readonly nodeTemplatePath?: string;
  readonly labelNodePrepareStrategy?: { readonly labelKey: string; readonly labelValues: readonly string[] };
  readonly uniqueNodeLabelStrategy?: { readonly labelKey: string };
}

export interface CreatePods {
  readonly opcode: "createPods";
  readonly count?: number;
  readonly countParam?: string;
  readonly namespace?: string;
  readonly podTemplatePath?: string;
  readonly collectMetrics?: boolean;
  readonly skipWaitToCompletion?: boolean;
  readonly steadyState?: boolean;
  readonly duration?: string;
}

export interface Churn {
  readonly opcode: "churn";
  readonly mode: "create" | "recreate";
  /** 0: without end. */
  readonly number?: number;
  readonly intervalMilliseconds?: number;
  readonly namespace?: string;
  readonly templatePaths: readonly string[];
}

export interface Workload {
  readonly name: string;
  readonly labels?: readonly string[];
  readonly params?: Readonly<Record<string, number | string>>;
  readonly threshold?: number;
}

export interface TestCase {
  readonly name: string;
  readonly labels?: readonly string[];
  readonly defaultPodTemplatePath?: string;
  readonly workloadTemplate: readonly Op[];
  readonly workloads: readonly Workload[];
  /** Where its templates are looked for. */
  readonly directory: string;
}

/** The test cases of a workload file. */
export function readWorkloads(file: string): TestCase[] {
  const cases = decodeYaml(readFileSync(file, "utf8")) as Omit<TestCase, "directory">[];
  return cases.map((one) => ({ ...one, directory: dirname(file) }));
}

/** A template file, relative to the workload file, as an object to be created. Each call gives a new one. */
export function readTemplate(directory: string, path: string): () => Record<string, unknown> {
  const text = readFileSync(join(directory, path), "utf8");
  const parsed = decodeYaml(text) as Record<string, unknown>;
  return () => structuredClone(parsed);
}

/** A count that is written down or named by a parameter (`$measurePods`). */
export function countOf(op: { readonly count?: number; readonly countParam?: string }, workload: Workload): number {
  if (op.countParam === undefined) return op.count ?? 1;
  const value = workload.params?.[op.countParam.slice(1)];
  if (value === undefined) throw new Error(`workload "${workload.name}" has no parameter "${op.countParam.slice(1)}"`);
  return Number(value);
}

/** A duration in Go's form, in ms. */
export function durationOf(text: string): number {
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g))
    total += Number(amount) * (units[unit ?? ""] ?? 0);
  return total;
}
