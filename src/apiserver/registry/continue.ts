import { badRequest } from "../../machinery/index.ts";

/** Where a paged list goes on. */
export interface ContinueToken {
  /** The revision of the snapshot; -1: whatever is newest (the token of an expired list). */
  readonly revision: number;
  /** The next key below the listed prefix, inclusive. */
  readonly start: string;
}

const VERSION = "meta.k8s.io/v1";

/** Upstream's form: base64url without padding of `{"v":...,"rv":...,"start":...}`. */
export function encodeContinue(token: ContinueToken): string {
  const json = JSON.stringify({ v: VERSION, rv: token.revision, start: token.start });
  return Buffer.from(json, "utf8").toString("base64url");
}

/** Throws 400 for anything that {@link encodeContinue} could not have made, so that no token leads out of its prefix. */
export function decodeContinue(text: string): ContinueToken {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch (error) {
    throw badRequest(`continue key is not valid: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { v, rv, start } = (typeof decoded === "object" && decoded !== null ? decoded : {}) as Record<string, unknown>;
  if (v !== VERSION)
    throw badRequest(`continue key is not valid: server does not recognize this encoded version ${String(v)}`);
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv === 0) {
    throw badRequest(`continue key is not valid: incorrect encoded start resourceVersion (version ${VERSION})`);
  }
  if (typeof start !== "string" || start === "") {
    throw badRequest(`continue key is not valid: encoded start key empty (version ${VERSION})`);
  }
  const segments = (start.startsWith("/") ? start.slice(1) : start).split("/");
  if (start.startsWith("/") || segments.some((s) => s === "" || s === "." || s === "..")) {
    throw badRequest(`continue key is not valid: ${start}`);
  }
  return { revision: rv, start };
}
