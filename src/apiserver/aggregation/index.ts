export { Aggregator, type AggregatorOptions } from "./aggregator.ts";
export type { ProxyPapers } from "./location.ts";
