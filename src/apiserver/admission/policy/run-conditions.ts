import type { admissionregistrationv1 as v1 } from "../../../api/index.ts";
import { type CelValue, CompileError } from "../../../machinery/cel/index.ts";
import type { Compiled } from "./compiled.ts";
import { Evaluation, ExpressionCompiler, isEvaluationError } from "./expressions.ts";

/** Compiles match conditions; one that can't be compiled fails when it is asked. */
export function compileConditions(conditions: readonly v1.MatchCondition[]): { name: string; compiled: Compiled }[] {
  const compiler = new ExpressionCompiler();
  return conditions.map(({ name, expression }) => {
    try {
      return { name, compiled: { program: compiler.condition(expression) } };
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      return { name, compiled: { error: error.message } };
    }
  });
}

/** Whether all hold; an error only when none is false. */
export function runConditions(
  conditions: readonly { readonly name: string; readonly compiled: Compiled }[],
  activation: Readonly<Record<string, CelValue>>,
): boolean | { readonly error: string } {
  const evaluation = new Evaluation(activation, []);
  const errors: string[] = [];
  for (const { name, compiled } of conditions) {
    if ("error" in compiled) {
      errors.push(`${name}: ${compiled.error}`);
      continue;
    }
    try {
      if (evaluation.run(compiled.program) !== true) return false;
    } catch (error) {
      if (!isEvaluationError(error)) throw error;
      errors.push(error.message);
    }
  }
  return errors.length === 0 || { error: errors.join(", ") };
}
