import type { admissionregistrationv1 as v1 } from "../../../api/index.ts";
import { CompileError, type Program } from "../../../machinery/cel/index.ts";
import { type DeclaredVariable, ExpressionCompiler } from "./expressions.ts";

/** An expression, or why it can't be run. */
export type Compiled = { readonly program: Program } | { readonly error: string };

/** A policy ready to judge requests. */
export interface CompiledPolicy {
  readonly policy: v1.ValidatingAdmissionPolicy;
  readonly declared: readonly DeclaredVariable[];
  readonly conditions: readonly { readonly name: string; readonly compiled: Compiled }[];
  readonly validations: readonly {
    readonly validation: v1.Validation;
    readonly compiled: Compiled;
    readonly message?: Compiled;
  }[];
  readonly annotations: readonly { readonly key: string; readonly compiled: Compiled }[];
}

/** Compiles all expressions of a policy. */
export function compilePolicy(policy: v1.ValidatingAdmissionPolicy): CompiledPolicy {
  const { spec } = policy;
  const compiler = new ExpressionCompiler();
  const conditions = (spec.matchConditions ?? []).map(({ name, expression }) => ({
    name,
    compiled: attempt(() => compiler.condition(expression)),
  }));
  for (const { name, expression } of spec.variables ?? [])
    attempt(() => (compiler.declare(name, expression), undefined));
  return {
    policy,
    declared: compiler.declared,
    conditions,
    validations: (spec.validations ?? []).map((validation) => ({
      validation,
      compiled: attempt(() => compiler.condition(validation.expression)),
      ...(validation.messageExpression && {
        message: attempt(() => compiler.compile(validation.messageExpression ?? "", ["string"])),
      }),
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      compiled: attempt(() => compiler.compile(valueExpression, ["string", "null"])),
    })),
  };
}

function attempt(make: () => Program | undefined): Compiled {
  try {
    const program = make();
    return program ? { program } : { error: "" };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { error: error.message };
  }
}
