import type { resourcev1 } from "../../../api/index.ts";
import {
  type CelMap,
  type CelType,
  type CelValue,
  CompileError,
  compileProgram,
  DYN,
  KUBERNETES,
  mapType,
  opaqueType,
  type Program,
  STRING,
} from "../../../machinery/cel/index.ts";
import { Semver, WITH_SEMVER } from "./semver.ts";

/** What evaluating one selector may cost (`CELSelectorExpressionMaxCost`). */
const MAX_COST = 1_000_000;

const DEVICE: CelType = {
  kind: "object",
  name: "kubernetes.DRADevice",
  fields: new Map([
    ["driver", STRING],
    ["attributes", mapType(STRING, mapType(STRING, DYN))],
    ["capacity", mapType(STRING, mapType(STRING, opaqueType("kubernetes.Quantity")))],
  ]),
};
const ENVIRONMENT = { variables: new Map([["device", DEVICE]]), functions: WITH_SEMVER };

const quantityOf = KUBERNETES.globals.get("quantity")?.[0]?.call as (text: string) => CelValue;

/** Selectors, compiled once, and what they said of devices: a device never changes, its slice is replaced. */
export class DeviceSelectors {
  readonly #programs = new Map<string, Program | CompileError>();
  readonly #answers = new WeakMap<resourcev1.Device, Map<string, boolean>>();

  /** Whether an expression holds for a device of `driver`. Throws what is wrong with the expression. */
  matches(expression: string, driver: string, device: resourcev1.Device): boolean {
    let answers = this.#answers.get(device);
    if (!answers) this.#answers.set(device, (answers = new Map<string, boolean>()));
    const known = answers.get(expression);
    if (known !== undefined) return known;
    const answer = evaluate(this.#compile(expression), driver, device);
    answers.set(expression, answer);
    return answer;
  }

  #compile(expression: string): Program {
    let program = this.#programs.get(expression);
    if (!program) {
      try {
        program = compileProgram(expression, ENVIRONMENT, ["bool"]);
      } catch (error) {
        if (!(error instanceof CompileError)) throw error;
        program = error;
      }
      this.#programs.set(expression, program);
    }
    if (program instanceof CompileError) throw new Error(`CEL compile error: ${program.message}`, { cause: program });
    return program;
  }
}

function evaluate(program: Program, driver: string, device: resourcev1.Device): boolean {
  let value: CelValue;
  try {
    const input = new Entries(
      new Map<string, CelValue>([
        ["driver", driver],
        ["attributes", byDomain(device.attributes, driver, attributeValue)],
        ["capacity", byDomain(device.capacity, driver, (one) => quantityOf(one.value))],
      ]),
    );
    ({ value } = program.run({ device: input }, MAX_COST));
  } catch (error) {
    throw new Error(`CEL runtime error: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === "boolean") return value;
  throw new Error("CEL runtime error: CEL result could not be converted to bool");
}

function attributeValue({ int, bool, string, version }: resourcev1.DeviceAttribute): CelValue {
  if (int !== undefined) return BigInt(int);
  if (bool !== undefined) return bool;
  if (string !== undefined) return string;
  if (version !== undefined) return Semver.parse(version);
  throw new Error("unsupported attribute value");
}

/** Values by domain and then by name; names without a domain are the driver's. */
function byDomain<T>(
  values: Readonly<Record<string, T>> | undefined,
  driver: string,
  read: (value: T) => CelValue,
): CelMap {
  const domains = new Map<string, Entries>();
  for (const [qualified, value] of Object.entries(values ?? {})) {
    const slash = qualified.indexOf("/");
    const domain = slash < 0 ? driver : qualified.slice(0, slash);
    let entries = domains.get(domain);
    if (!entries) domains.set(domain, (entries = new Entries()));
    entries.set(qualified.slice(slash + 1), read(value));
  }
  return new Entries(domains, new Entries());
}

class Entries implements CelMap {
  readonly isCelMap = true;
  readonly #entries: Map<string, CelValue>;
  /** What unknown keys give. */
  readonly #otherwise: CelValue | undefined;

  constructor(entries: ReadonlyMap<string, CelValue> = new Map(), otherwise?: CelValue) {
    this.#entries = new Map(entries);
    this.#otherwise = otherwise;
  }

  get size(): number {
    return this.#entries.size;
  }

  set(key: string, value: CelValue): void {
    this.#entries.set(key, value);
  }

  get(key: CelValue): CelValue | undefined {
    return this.#entries.get(key as string) ?? this.#otherwise;
  }

  has(key: CelValue): boolean {
    return this.#entries.has(key as string);
  }

  keys(): Iterable<CelValue> {
    return this.#entries.keys();
  }
}
