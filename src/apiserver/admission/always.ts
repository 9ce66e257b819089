import type { Admission, AdmissionRequest } from "../seams/index.ts";
import { refusal } from "./common.ts";

/** Lets everything pass. Off by default, and of no use but to be named in a configuration. */
export function alwaysAdmit(): Admission {
  return { name: "AlwaysAdmit", handles: () => false };
}

/** Refuses every write. Off by default. */
export function alwaysDeny(): Admission {
  const deny = (request: AdmissionRequest): never => {
    throw refusal(request, "admission control is denying all modifications");
  };
  return { name: "AlwaysDeny", handles: () => true, admit: deny, validate: deny };
}
