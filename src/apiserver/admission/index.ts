import type { Env } from "../../kit/index.ts";
import type { Admission, Lookup } from "../seams/index.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { priorityAdmission } from "./priority.ts";
import { serviceAccountAdmission } from "./service-account.ts";

/** What the built-in plugins need. */
export interface AdmissionParts {
  readonly lookup: Lookup;
  readonly env: Env;
}

/** The built-in plugins that are on by default, in upstream's order. */
export function defaultAdmission({ lookup, env }: AdmissionParts): Admission[] {
  return [
    namespaceLifecycle(lookup),
    serviceAccountAdmission(lookup, env.clock, env.random),
    priorityAdmission(lookup),
    defaultTolerationSeconds(),
  ];
}
