import {
  BOOL,
  celTypeOf,
  type CelType,
  CompileError,
  compileProgram,
  DYN,
  KUBERNETES,
  optionalType,
  type Program,
} from "../../../machinery/cel/index.ts";
import type { Structural, ValidationRule } from "../../../machinery/structural/index.ts";

/** A rule ready to run; `error`: why it can't be. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program?: Program;
  readonly message?: Program;
  readonly error?: string;
  readonly messageError?: string;
  /** It looks at the old value, and so at changes only. */
  readonly isTransition: boolean;
}

/** The rules of one part of a schema. `isRoot`: values are whole objects. */
export function compileRules(s: Structural, isRoot: boolean): CompiledRule[] {
  if (s.rules.length === 0) return [];
  const type = celTypeOf(s, isRoot);
  return s.rules.map((rule) => compileRule(rule, type));
}

function compileRule(rule: ValidationRule, type: CelType): CompiledRule {
  const oldSelf = rule.optionalOldSelf === true ? optionalType(type) : type;
  const environment = {
    variables: new Map([
      ["self", type],
      ["oldSelf", oldSelf],
    ]),
    functions: KUBERNETES,
  };
  const compiled = attempt(() => compileProgram(rule.rule, environment, [BOOL.kind]));
  const expression = rule.messageExpression?.trim();
  const message = expression ? attempt(() => messageProgram(expression, environment)) : undefined;
  return {
    rule,
    ...("program" in compiled ? compiled : { error: compiled.error }),
    ...(message && ("program" in message ? { message: message.program } : { messageError: message.error })),
    isTransition: "program" in compiled && compiled.program.uses.has("oldSelf"),
  };
}

function messageProgram(source: string, environment: Parameters<typeof compileProgram>[1]): Program {
  const program = compileProgram(source, environment);
  if (program.type.kind !== "string" && program.type.kind !== DYN.kind) {
    throw new CompileError("messageExpression must evaluate to a string");
  }
  return program;
}

function attempt(make: () => Program): { readonly program: Program } | { readonly error: string } {
  try {
    return { program: make() };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { error: error.message };
  }
}
