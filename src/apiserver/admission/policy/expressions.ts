import {
  BOOL,
  CelError,
  type CelMap,
  type CelType,
  type CelValue,
  compileProgram,
  CostError,
  DYN,
  KUBERNETES,
  type Program,
} from "../../../machinery/cel/index.ts";

/** What one expression may cost, and all of a policy's for one request. */
export const EXPRESSION_LIMIT = 1_000_000;
export const POLICY_LIMIT = 10_000_000;

/** What expressions about a request may name. */
const NAMES = ["object", "oldObject", "request", "params", "namespaceObject", "authorizer"];

/** A variable that a policy declares. */
export interface DeclaredVariable {
  readonly name: string;
  readonly program: Program;
}

/** Compiles expressions of one policy, that may name the variables declared before them. */
export class ExpressionCompiler {
  readonly #fields = new Map<string, CelType>();
  readonly declared: DeclaredVariable[] = [];

  declare(name: string, expression: string): void {
    const program = this.compile(expression);
    this.declared.push({ name, program });
    this.#fields.set(name, program.type);
  }

  /** Throws `CompileError`. */
  compile(expression: string, wanted: readonly CelType["kind"][] = []): Program {
    const variables = new Map<string, CelType>(NAMES.map((name) => [name, DYN]));
    variables.set("variables", { kind: "object", name: "variables", fields: new Map(this.#fields) });
    return compileProgram(expression, { variables, functions: KUBERNETES }, wanted);
  }

  condition(expression: string): Program {
    return this.compile(expression, [BOOL.kind]);
  }
}

/** Evaluates a policy's expressions for one request, within its budget. */
export class Evaluation {
  readonly #values: Record<string, CelValue>;
  #left = POLICY_LIMIT;

  constructor(values: Readonly<Record<string, CelValue>>, declared: readonly DeclaredVariable[]) {
    this.#values = { ...values, variables: new Variables(declared, (program) => this.run(program)) };
  }

  /** Throws `CelError`, and `CostError` when too much is spent. */
  run(program: Program): CelValue {
    if (this.#left <= 0) throw new CostError();
    const { value, cost } = program.run(this.#values, Math.min(EXPRESSION_LIMIT, this.#left));
    this.#left -= cost;
    return value;
  }
}

/** Declared variables are worked out when first used. */
class Variables implements CelMap {
  readonly isCelMap = true;
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #known = new Map<string, CelValue>();
  readonly #run: (program: Program) => CelValue;

  constructor(declared: readonly DeclaredVariable[], run: (program: Program) => CelValue) {
    this.#programs = new Map(declared.map(({ name, program }) => [name, program]));
    this.#run = run;
  }

  get size(): number {
    return this.#programs.size;
  }

  get(key: CelValue): CelValue | undefined {
    const program = typeof key === "string" ? this.#programs.get(key) : undefined;
    if (!program || typeof key !== "string") return undefined;
    if (!this.#known.has(key)) this.#known.set(key, this.#run(program));
    return this.#known.get(key);
  }

  has(key: CelValue): boolean {
    return typeof key === "string" && this.#programs.has(key);
  }

  keys(): Iterable<CelValue> {
    return this.#programs.keys();
  }
}

/** Whether an error is one of evaluation rather than ours. */
export function isEvaluationError(error: unknown): error is Error {
  return error instanceof CelError || error instanceof CostError;
}
