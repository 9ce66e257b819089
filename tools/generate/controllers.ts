import { HEADER, readFacts, writeGenerated } from "./facts.ts";

interface ControllerFact {
  aliases?: string[];
  gates?: string[];
  disabledByDefault?: boolean;
  cloud?: boolean;
}

interface GatesFacts {
  gates: Record<string, { default: boolean }>;
}

/** Writes `src/controllers/names.ts`: every controller's name with its aliases and what switches it on. */
export function generateControllers(): void {
  const { controllers } = readFacts<{ controllers: Record<string, ControllerFact> }>("well-known.json");
  const { gates } = readFacts<GatesFacts>("feature-gates.json");
  const lines = Object.entries(controllers).map(([name, fact]) => {
    const needed = Object.fromEntries((fact.gates ?? []).map((gate) => [gate, gates[gate]?.default ?? false]));
    return [
      `  ${JSON.stringify(name)}: {`,
      `    aliases: [${(fact.aliases ?? []).map((alias) => JSON.stringify(alias)).join(", ")}],`,
      `    gates: ${gatesText(needed)},`,
      `    disabledByDefault: ${fact.disabledByDefault ?? false},`,
      `    cloud: ${fact.cloud ?? false},`,
      `  },`,
    ].join("\n");
  });
  writeGenerated(
    "src/controllers/names.ts",
    `${HEADER}/** What is known of a controller before it runs. */\nexport interface ControllerName {\n` +
      `  /** Older names, which \`--controllers\` takes as well. */\n  readonly aliases: readonly string[];\n` +
      `  /** The feature gates that must all be on, with their defaults. */\n  readonly gates: Readonly<Record<string, boolean>>;\n` +
      `  /** \`*\` does not mean it. */\n  readonly disabledByDefault: boolean;\n` +
      `  /** Runs only with a cloud provider. */\n  readonly cloud: boolean;\n}\n\n` +
      `/** Every controller of kube-controller-manager by name. */\n` +
      `export const CONTROLLER_NAMES: Readonly<Record<string, ControllerName>> = {\n${lines.join("\n")}\n};\n`,
  );
}

function gatesText(gates: Record<string, boolean>): string {
  const entries = Object.entries(gates).map(([gate, on]) => `${gate}: ${on}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}
