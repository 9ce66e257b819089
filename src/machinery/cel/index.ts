export type { Environment } from "./check.ts";
export { fn, type Functions, functionsOf, method, type Overload } from "./functions.ts";
export { escapeName, fromJson, toJson } from "./json.ts";
export { KUBERNETES } from "./library/index.ts";
export { CompileError, compileProgram, type Outcome, type Program } from "./program.ts";
export { celTypeOf } from "./schema-types.ts";
export * from "./types.ts";
export { CelError, type CelMap, type CelValue, CostError, isMap, Opaque, Optional } from "./values.ts";
