import { type FieldFact, HEADER, readFacts, type TypeFact, writeGenerated } from "./facts.ts";

const GROUP = "kube-scheduler.config.v1.";
const BASE = "component-base.config.v1alpha1.";
const SCALARS: Record<string, string> = { "meta.v1.Duration": "string", "runtime.RawExtension": "unknown" };

/** Writes `src/scheduler/config/types.ts`: KubeSchedulerConfiguration v1 and what it consists of, as files have it. */
export function generateScheduler(): void {
  const { types } = readFacts<{ types: Record<string, TypeFact> }>("config-types.json");
  const wanted = Object.keys(types).filter((name) => name.startsWith(GROUP));
  const bodies: string[] = [];
  const seen = new Set(wanted);
  for (let i = 0; i < wanted.length; i++) {
    const full = wanted[i] ?? "";
    const use = (ref: string): string => {
      if (ref.startsWith(BASE) && !seen.has(ref)) {
        seen.add(ref);
        wanted.push(ref);
      }
      return refer(ref);
    };
    const lines = Object.entries(types[full]?.fields ?? {}).map(
      ([field, fact]) => `  readonly ${field}?: ${typeOf(fact, use)};`,
    );
    bodies.push(`export interface ${shortName(full)} {\n${lines.join("\n")}\n}`);
  }
  const head = `${HEADER}import type { corev1 } from "../../api/index.ts";\n\n`;
  writeGenerated("src/scheduler/config/types.ts", `${head}${bodies.toSorted().join("\n\n")}\n`);
}

function shortName(ref: string): string {
  return ref.slice(ref.lastIndexOf(".") + 1);
}

function refer(ref: string): string {
  const scalar = SCALARS[ref];
  if (scalar) return scalar;
  return ref.startsWith("core.v1.") ? `corev1.${shortName(ref)}` : shortName(ref);
}

function typeOf(fact: FieldFact | string, use: (ref: string) => string): string {
  if (typeof fact === "string") return fact;
  if (fact.ref) return use(fact.ref);
  switch (fact.type) {
    case "array":
      if (fact.format === "byte") return "string";
      return `readonly ${typeOf(fact.items ?? "unknown", use)}[]`;
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    default:
      return "string";
  }
}
