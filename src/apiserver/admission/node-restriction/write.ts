import type { AdmissionRequest, Authorizer, Lookup } from "../../seams/index.ts";

/** What the rules read and ask. */
export interface RestrictionParts {
  readonly lookup: Lookup;
  readonly authorizers: () => readonly Authorizer[];
}

/** One kubelet's write. */
export interface NodeWrite extends RestrictionParts {
  readonly node: string;
  readonly request: AdmissionRequest;
  readonly signal: AbortSignal | undefined;
}
