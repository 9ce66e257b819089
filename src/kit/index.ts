export * from "./clock.ts";
export * from "./component.ts";
export * from "./env.ts";
export * from "./log.ts";
export * from "./metrics.ts";
export * from "./random.ts";
