export * from "./admission.ts";
export * from "./authorizer.ts";
export * from "./identity.ts";
export * from "./lookup.ts";
export * from "./strategy.ts";
