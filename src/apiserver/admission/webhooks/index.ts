export type { HookAddress, HookAnswer, HookCaller } from "./caller.ts";
export { type HookSource, liveMutatingHooks, liveValidatingHooks } from "./hooks.ts";
export { httpsCaller } from "./https-caller.ts";
export type { Conditions, Invocation } from "./match.ts";
export { mutatingWebhooks, type Readmit } from "./mutating.ts";
export { validatingWebhooks, type WebhookParts } from "./validating.ts";
export { ownVersions, type Versions } from "./versions.ts";
