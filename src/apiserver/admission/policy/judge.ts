import { type CelValue, CostError } from "../../../machinery/cel/index.ts";
import type { Compiled, CompiledPolicy } from "./compiled.ts";
import { Evaluation, isEvaluationError } from "./expressions.ts";

/** One expression that refuses the request. */
export interface Judgement {
  readonly message: string;
  readonly reason?: string;
  /** Which of the policy's validations. */
  readonly index: number;
}

/** What a policy says of a request. */
export interface Verdict {
  readonly judgements: readonly Judgement[];
  readonly annotations: readonly (readonly [key: string, value: string])[];
}

const NOTHING: Verdict = { judgements: [], annotations: [] };

/** Evaluates a policy. Errors refuse the request unless the policy says to ignore them. */
export function judge(compiled: CompiledPolicy, activation: Readonly<Record<string, CelValue>>): Verdict {
  const { policy, declared, conditions, validations, annotations } = compiled;
  const fails = policy.spec.failurePolicy !== "Ignore";
  const evaluation = new Evaluation(activation, declared);
  const errors: string[] = [];
  for (const { name, compiled: condition } of conditions) {
    const outcome = run(evaluation, condition);
    if ("error" in outcome) errors.push(`${name}: ${outcome.error}`);
    else if (outcome.value !== true) return NOTHING;
  }
  if (errors.length > 0)
    return fails ? { judgements: [{ message: errors.join(", "), index: 0 }], annotations: [] } : NOTHING;
  const judgements: Judgement[] = [];
  for (const [index, { validation, compiled: expression, message }] of validations.entries()) {
    const outcome = run(evaluation, expression);
    const reason = validation.reason === undefined ? {} : { reason: validation.reason };
    if ("error" in outcome) {
      const text = `expression '${validation.expression}' resulted in error: ${outcome.error}`;
      if (fails) judgements.push({ message: text, index, ...reason });
    } else if (outcome.value !== true) {
      const own = message && run(evaluation, message);
      const text = own && "value" in own && typeof own.value === "string" ? own.value.trim() : "";
      const fallback = validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
      judgements.push({ message: text !== "" && !/[\n\r]/.test(text) ? text : fallback, index, ...reason });
    }
  }
  const published = annotations.flatMap(({ key, compiled: expression }) => {
    const outcome = run(evaluation, expression);
    return "value" in outcome && typeof outcome.value === "string" ? [[key, outcome.value] as const] : [];
  });
  return { judgements, annotations: published };
}

function run(evaluation: Evaluation, compiled: Compiled): { readonly value: CelValue } | { readonly error: string } {
  if ("error" in compiled) return { error: `compilation error: ${compiled.error}` };
  try {
    return { value: evaluation.run(compiled.program) };
  } catch (error) {
    if (!isEvaluationError(error)) throw error;
    return {
      error:
        error instanceof CostError
          ? "validation failed due to running out of cost budget, no further validation rules will be run"
          : error.message,
    };
  }
}
