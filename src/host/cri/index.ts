export { containerdEvents, criEvents, type EventSource, relistEvents } from "./event-sources.ts";
export { connectRuntime, type GrpcRuntimeOptions } from "./grpc-runtime.ts";
export type { CallOptions, Runtime, RuntimeEvent, RuntimeMethods, Sent } from "./runtime.ts";
export type * from "./schema.ts";
export { GrpcClient, type GrpcCall } from "./grpc-client.ts";
export { Wire, type WireSchema } from "./wire.ts";
export { type ExecResult, type Program, SimulatedRuntime, type SimulatedRuntimeOptions } from "./simulated.ts";
