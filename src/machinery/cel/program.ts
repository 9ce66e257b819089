import { CelSyntaxError, describeFault } from "./ast.ts";
import { check, type Environment } from "./check.ts";
import { compile } from "./compile.ts";
import { estimateCost } from "./estimate.ts";
import { parse } from "./parser.ts";
import { type CelType, showType } from "./types.ts";
import type { CelValue } from "./values.ts";

/** What came out of an evaluation, and what it cost. Errors are thrown: `CelError`, and `CostError` beyond the limit. */
export interface Outcome {
  readonly value: CelValue;
  readonly cost: number;
}

/** An expression ready to run, any number of times. */
export interface Program {
  readonly source: string;
  readonly type: CelType;
  /** The variables that it uses. */
  readonly uses: ReadonlySet<string>;
  /** What it may cost in the worst case. */
  readonly worstCost: number;
  /** `limit`: how much it may cost. Variables that are undefined are missing. */
  run(variables: Readonly<Record<string, CelValue>>, limit: number): Outcome;
}

/** An expression that makes no sense, in upstream's words. */
export class CompileError extends Error {}

/** Compiles an expression, that must be of one of the types `wanted` (empty: any). Throws {@link CompileError}. */
export function compileProgram(
  source: string,
  environment: Environment,
  wanted: readonly CelType["kind"][] = [],
): Program {
  const checked = checkSource(source, environment);
  const { kind } = checked.type;
  if (wanted.length > 0 && kind !== "dyn" && !wanted.includes(kind)) {
    throw new CompileError(
      wanted[0] === "bool"
        ? "cel expression must evaluate to a bool"
        : `must evaluate to ${wanted.join(" or ")}, not ${showType(checked.type)}`,
    );
  }
  const names = [...environment.variables.keys()];
  const code = compile(checked, new Map(names.map((name, i) => [name, i])));
  return {
    source,
    type: checked.type,
    uses: checked.uses,
    worstCost: estimateCost(checked),
    run(variables, limit) {
      const frame = { vars: names.map((name) => variables[name]), cost: 0, limit };
      const value = code(frame);
      return { value, cost: frame.cost };
    },
  };
}

function checkSource(source: string, environment: Environment): ReturnType<typeof check> {
  try {
    const checked = check(parse(source), environment);
    if (checked.faults.length === 0) return checked;
    const text = checked.faults.map(({ at, message }) => describeFault(source, at, message)).join("\n");
    throw new CompileError(`compilation failed: ${text}`);
  } catch (error) {
    if (error instanceof CelSyntaxError)
      throw new CompileError(`compilation failed: ${describeFault(source, error.at, error.message)}`);
    throw error;
  }
}
