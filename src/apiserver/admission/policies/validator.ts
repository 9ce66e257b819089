import type { admissionregistrationv1 as v1 } from "../../../api/index.ts";
import { BOOL, NULL, STRING } from "../../../machinery/cel/index.ts";
import { joinMessages } from "../common.ts";
import {
  compileExpression,
  compileVariables,
  type ComposedVariable,
  CONDITIONS_BUDGET,
  environmentOf,
  Evaluation,
  type Expression,
  OutOfBudget,
  POLICY_BUDGET,
  type Result,
} from "./environment.ts";
import type { Authorize } from "./authorizer-library.ts";
import { type Input, valuesOf } from "./values.ts";

/** What a policy says of a write. */
export interface Judgement {
  readonly denials: readonly Denial[];
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** What went wrong with annotations; counts as a refusal. */
  readonly annotationErrors: readonly string[];
}

/** Why a write is not allowed. */
export interface Denial {
  /** Which of the validations says so. */
  readonly index: number;
  readonly message: string;
  readonly reason: string;
}

const MAX_MESSAGE_BYTES = 5 * 1024;

/** The expressions of a policy, compiled. What does not compile fails when it is evaluated. */
export class Validator {
  readonly #policy: v1.ValidatingAdmissionPolicy;
  readonly #variables: readonly ComposedVariable[];
  readonly #conditions: readonly Expression[];
  readonly #validations: readonly Expression[];
  readonly #messages: readonly (Expression | undefined)[];
  readonly #annotations: readonly Expression[];

  constructor(policy: v1.ValidatingAdmissionPolicy) {
    const { paramKind, variables = [], matchConditions, validations, auditAnnotations } = policy.spec;
    const declared = { params: paramKind !== undefined, authorizer: true };
    this.#policy = policy;
    this.#variables = compileVariables(variables, declared);
    const environment = environmentOf({ ...declared, composed: this.#variables });
    const mute = environmentOf({ ...declared, authorizer: false, composed: this.#variables });
    this.#conditions = (matchConditions ?? []).map((c) => compileExpression(c.expression, environment, [BOOL]));
    this.#validations = (validations ?? []).map((v) => compileExpression(v.expression, environment, [BOOL]));
    this.#messages = (validations ?? []).map(({ messageExpression: text }) =>
      text ? compileExpression(text, mute, [STRING]) : undefined,
    );
    this.#annotations = (auditAnnotations ?? []).map((a) =>
      compileExpression(a.valueExpression, environment, [STRING, NULL]),
    );
  }

  /** Judges a write. `authorize` may throw what must be waited for. */
  judge(input: Input, authorize: Authorize): Judgement {
    const values = valuesOf(input, authorize);
    const conditions = evaluateConditions(this.#conditions, new Evaluation(values, CONDITIONS_BUDGET, this.#variables));
    if (conditions.error !== undefined) return this.#failed(conditions.error);
    if (!conditions.hold) return NOTHING;
    try {
      const evaluation = new Evaluation(values, POLICY_BUDGET, this.#variables);
      const results = this.#validations.map((expression) => evaluation.run(expression));
      const denials = this.#denials(results, input, evaluation.budget);
      const annotating = new Evaluation(values, POLICY_BUDGET, this.#variables);
      return { denials, ...this.#annotate(annotating) };
    } catch (error) {
      if (error instanceof OutOfBudget) return this.#failed(error.message);
      throw error;
    }
  }

  get #failsOpen(): boolean {
    return this.#policy.spec.failurePolicy === "Ignore";
  }

  #failed(message: string): Judgement {
    return this.#failsOpen ? NOTHING : { ...NOTHING, denials: [{ index: 0, message, reason: "" }] };
  }

  #denials(results: readonly Result[], input: Input, budget: number): Denial[] {
    // Messages may not ask the authorizer, and share what the validations left.
    const speaking = new Evaluation(valuesOf(input, undefined), budget, this.#variables);
    const messages: (Result | undefined)[] = [];
    let broke: string | undefined;
    try {
      for (const message of this.#messages) messages.push(message && speaking.run(message));
    } catch (error) {
      if (!(error instanceof OutOfBudget)) throw error;
      broke = error.message;
      messages.length = 0;
    }
    return results.flatMap((result, index) => {
      if ("error" in result) return this.#failsOpen ? [] : [{ index, message: result.error, reason: "" }];
      if (broke !== undefined) {
        return this.#failsOpen ? [] : [{ index, message: `failed messageExpression: ${broke}`, reason: "" }];
      }
      if (result.value === true) return [];
      const { message = "", reason = "Invalid", expression } = this.#policy.spec.validations?.[index] ?? EMPTY;
      const text = spoken(messages[index]) || message.trim() || `failed expression: ${expression.trim()}`;
      return [{ index, message: text, reason }];
    });
  }

  #annotate(evaluation: Evaluation): Pick<Judgement, "annotations" | "annotationErrors"> {
    const annotations: { key: string; value: string }[] = [];
    const annotationErrors: string[] = [];
    for (const [i, expression] of this.#annotations.entries()) {
      const result = evaluation.run(expression);
      const key = this.#policy.spec.auditAnnotations?.[i]?.key ?? "";
      if ("error" in result) {
        if (!this.#failsOpen) annotationErrors.push(result.error);
      } else if (typeof result.value === "string") {
        const value = result.value.trim();
        if (value !== "") annotations.push({ key, value });
      } else if (result.value !== null) {
        const words = "resulted in unsupported return type. Return type must be either string or null.";
        annotationErrors.push(`valueExpression '${expression.source}' ${words}`);
      }
    }
    return { annotations, annotationErrors };
  }
}

const NOTHING: Judgement = { denials: [], annotations: [], annotationErrors: [] };
const EMPTY: v1.Validation = { expression: "" };

/** A message that fits on a line; empty when there is none. */
function spoken(result: Result | undefined): string {
  if (!result || "error" in result || typeof result.value !== "string") return "";
  const text = result.value.trim();
  return Buffer.byteLength(text) > MAX_MESSAGE_BYTES || text.includes("\n") ? "" : text;
}

/** Whether conditions hold: one that does not is enough, also when others cannot be told. */
export function evaluateConditions(
  conditions: readonly Expression[],
  evaluation: Evaluation,
): { readonly hold: boolean; readonly error?: string } {
  const errors: string[] = [];
  try {
    for (const condition of conditions) {
      const result = evaluation.run(condition);
      if ("error" in result) errors.push(result.error);
      else if (result.value === false) return { hold: false };
    }
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    return { hold: false, error: error.message };
  }
  return errors.length > 0 ? { hold: false, error: joinMessages(errors) } : { hold: true };
}
