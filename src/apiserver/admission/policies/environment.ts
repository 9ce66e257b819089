import {
  BOOL,
  CelError,
  type CelMap,
  type CelType,
  type CelValue,
  CompileError,
  compileProgram,
  CostError,
  DYN,
  type Environment,
  type Functions,
  INT,
  KUBERNETES,
  listType,
  mapType,
  type Overload,
  type Program,
  showType,
  STRING,
  TIMESTAMP,
} from "../../../machinery/cel/index.ts";
import { AUTHORIZER, authorizerLibrary } from "./authorizer-library.ts";

/** What one expression may cost. */
export const CALL_LIMIT = 1_000_000;
/** What all expressions of a policy may cost together, for one write and binding. */
export const POLICY_BUDGET = 10_000_000;
/** What all match conditions may cost together. */
export const CONDITIONS_BUDGET = 2_500_000;

function object(name: string, fields: Readonly<Record<string, CelType>>): CelType {
  return { kind: "object", name: `kubernetes.${name}`, fields: new Map(Object.entries(fields)) };
}

const TEXTS = listType(STRING);
const KIND = object("GroupVersionKind", { group: STRING, version: STRING, kind: STRING });
const RESOURCE = object("GroupVersionResource", { group: STRING, version: STRING, resource: STRING });
/** The variable `request`. */
export const REQUEST = object("AdmissionRequest", {
  kind: KIND,
  resource: RESOURCE,
  subResource: STRING,
  requestKind: KIND,
  requestResource: RESOURCE,
  requestSubResource: STRING,
  name: STRING,
  namespace: STRING,
  operation: STRING,
  userInfo: object("UserInfo", { username: STRING, uid: STRING, groups: TEXTS, extra: mapType(STRING, TEXTS) }),
  dryRun: BOOL,
  options: DYN,
});
/** The variable `namespaceObject`. */
export const NAMESPACE = object("Namespace", {
  metadata: object("NamespaceMetadata", {
    name: STRING,
    generateName: STRING,
    namespace: STRING,
    labels: mapType(STRING, STRING),
    annotations: mapType(STRING, STRING),
    UID: STRING,
    creationTimestamp: TIMESTAMP,
    deletionGracePeriodSeconds: INT,
    deletionTimestamp: TIMESTAMP,
    generation: INT,
    resourceVersion: STRING,
    finalizers: TEXTS,
  }),
  spec: object("NamespaceSpec", { finalizers: TEXTS }),
  status: object("NamespaceStatus", {
    conditions: listType(
      object("NamespaceCondition", {
        status: STRING,
        type: STRING,
        lastTransitionTime: TIMESTAMP,
        message: STRING,
        reason: STRING,
      }),
    ),
    phase: STRING,
  }),
});

/** Which variables expressions have beside those that all have. */
export interface Declarations {
  readonly params: boolean;
  readonly authorizer: boolean;
  /** Variables of the policy's own, that were compiled before. */
  readonly composed?: readonly ComposedVariable[];
}

/** A variable of a policy: an expression that others refer to. */
export interface ComposedVariable {
  readonly name: string;
  readonly expression: Expression;
}

const FUNCTIONS = extend(KUBERNETES, authorizerLibrary);

function extend(functions: Functions, library: readonly Overload[]): Functions {
  const members = new Map(functions.members);
  for (const overload of library) members.set(overload.name, [...(members.get(overload.name) ?? []), overload]);
  return { members, globals: functions.globals };
}

/** What expressions of admission may refer to. */
export function environmentOf({ params, authorizer, composed }: Declarations): Environment {
  const variables = new Map<string, CelType>([
    ["object", DYN],
    ["oldObject", DYN],
    ["namespaceObject", NAMESPACE],
    ["request", REQUEST],
  ]);
  if (params) variables.set("params", DYN);
  if (authorizer) variables.set("authorizer", AUTHORIZER);
  if (composed) {
    const fields = composed.map(({ name, expression }) => [name, expression.program?.type ?? DYN] as const);
    variables.set("variables", object("variables", Object.fromEntries(fields)));
  }
  return { variables, functions: FUNCTIONS };
}

/** A compiled expression, or why it is none. */
export interface Expression {
  readonly source: string;
  readonly program?: Program;
  readonly error?: string;
}

/** Compiles an expression that must be of one of the types. */
export function compileExpression(
  source: string,
  environment: Environment,
  wanted: readonly CelType[] = [],
): Expression {
  try {
    const program = compileProgram(source, environment);
    const { type } = program;
    const fits = wanted.length === 0 || type.kind === "dyn" || wanted.some(({ kind }) => kind === type.kind);
    if (fits) return { source, program };
    const names = wanted.map(showType);
    const what = names.length === 1 ? names.join("") : `one of [${names.join(" ")}]`;
    return { source, error: `must evaluate to ${what} but got ${showType(type)}` };
  } catch (error) {
    if (error instanceof CompileError) return { source, error: error.message };
    throw error;
  }
}

/** Compiles a policy's variables: each may refer to those before it. */
export function compileVariables(
  variables: readonly { readonly name: string; readonly expression: string }[],
  declarations: Omit<Declarations, "composed">,
): ComposedVariable[] {
  const composed: ComposedVariable[] = [];
  for (const { name, expression } of variables) {
    const environment = environmentOf({ ...declarations, composed });
    composed.push({ name, expression: compileExpression(expression, environment) });
  }
  return composed;
}

/** The expressions of one write cost more than they may. */
export class OutOfBudget extends Error {
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}

/** What an expression came to. */
export type Result = { readonly value: CelValue } | { readonly error: string };

/** Evaluates expressions for one write, as long as the budget lasts. */
export class Evaluation {
  readonly #values: Readonly<Record<string, CelValue>>;
  #budget: number;

  constructor(
    values: Readonly<Record<string, CelValue>>,
    budget: number,
    composed: readonly ComposedVariable[] | undefined,
  ) {
    this.#budget = budget;
    const withVariables: Record<string, CelValue> = { ...values };
    if (composed) withVariables["variables"] = new LazyVariables(composed, (program) => this.#spend(program));
    this.#values = withVariables;
  }

  get budget(): number {
    return this.#budget;
  }

  /** Throws {@link OutOfBudget}. */
  run({ source, program, error }: Expression): Result {
    if (!program) return { error: `compilation error: ${error ?? ""}` };
    try {
      return { value: this.#spend(program) };
    } catch (failure) {
      if (!(failure instanceof CelError || failure instanceof CostError)) throw failure;
      return { error: `expression '${source}' resulted in error: ${failure.message}` };
    }
  }

  #spend(program: Program): CelValue {
    const { value, cost } = program.run(this.#values, CALL_LIMIT);
    if (cost > this.#budget) throw new OutOfBudget();
    this.#budget -= cost;
    return value;
  }
}

/** A policy's variables: each is evaluated when it is first looked at. */
class LazyVariables implements CelMap {
  readonly isCelMap = true;
  readonly #variables: ReadonlyMap<string, Expression>;
  readonly #evaluate: (program: Program) => CelValue;
  readonly #known = new Map<string, Result>();

  constructor(composed: readonly ComposedVariable[], evaluate: (program: Program) => CelValue) {
    this.#variables = new Map(composed.map(({ name, expression }) => [name, expression]));
    this.#evaluate = evaluate;
  }

  get size(): number {
    return this.#variables.size;
  }

  get(key: CelValue): CelValue | undefined {
    const expression = typeof key === "string" ? this.#variables.get(key) : undefined;
    if (!expression) return undefined;
    const name = key as string;
    const known = this.#known.get(name) ?? this.#read(name, expression);
    this.#known.set(name, known);
    if ("error" in known) throw new CelError(known.error);
    return known.value;
  }

  #read(name: string, { program, error }: Expression): Result {
    const what = `composited variable ${JSON.stringify(name)} fails to`;
    if (!program) return { error: `${what} compile: ${error ?? ""}` };
    try {
      return { value: this.#evaluate(program) };
    } catch (failure) {
      if (!(failure instanceof CelError || failure instanceof CostError)) throw failure;
      return { error: `${what} evaluate: ${failure.message}` };
    }
  }

  has(key: CelValue): boolean {
    return typeof key === "string" && this.#variables.has(key);
  }

  keys(): Iterable<CelValue> {
    return this.#variables.keys();
  }
}
