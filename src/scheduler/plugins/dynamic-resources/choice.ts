import type { Request } from "./requests.ts";
import type { Candidate } from "./slice-index.ts";

/** A device given to a request. */
export interface Grant {
  readonly request: Request;
  readonly candidate: Candidate;
}

/** What was chosen for a claim. */
export interface Choice {
  readonly grants: Grant[];
  /** The alternative taken of each request. */
  readonly taken: Request[];
}
