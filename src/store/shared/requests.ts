import type { Op, RangeQuery } from "../contract.ts";
import { InvalidRequestError } from "../errors.ts";

/** Throws {@link InvalidRequestError} unless `ops` keep to the contract. */
export function checkOps(ops: readonly Op[]): void {
  for (const op of ops) checkOp(op);
  if (ops.length < 2) return;
  const seen = new Set<string>();
  for (const { key } of ops) {
    if (seen.has(key)) throw new InvalidRequestError(`key ${JSON.stringify(key)} occurs twice in one commit`);
    seen.add(key);
  }
}

function checkOp(op: Op): void {
  checkKey(op.key);
  if (op.expect !== undefined && !(Number.isSafeInteger(op.expect) && op.expect >= 0)) {
    throw new InvalidRequestError(`expect ${op.expect} of key ${JSON.stringify(op.key)} is not a revision`);
  }
  if (op.kind !== "put") return;
  if (!(op.value instanceof Uint8Array)) {
    throw new InvalidRequestError(`the value of key ${JSON.stringify(op.key)} is not bytes`);
  }
  if (op.ttlSeconds !== undefined && !(op.ttlSeconds > 0 && Number.isFinite(op.ttlSeconds))) {
    throw new InvalidRequestError(`ttlSeconds ${op.ttlSeconds} of key ${JSON.stringify(op.key)} is not above 0`);
  }
}

/** Throws {@link InvalidRequestError} unless `key` can be one. */
export function checkKey(key: string): void {
  if (key === "") throw new InvalidRequestError("the empty string is not a key");
  if (!key.isWellFormed()) throw new InvalidRequestError(`key ${JSON.stringify(key)} holds a lone surrogate`);
}

/** Throws {@link InvalidRequestError} unless the bounds and the limit of `query` make sense. */
export function checkRange(query: Pick<RangeQuery, "start" | "end" | "limit">): void {
  for (const bound of [query.start, query.end]) {
    if (!bound.isWellFormed()) throw new InvalidRequestError(`bound ${JSON.stringify(bound)} holds a lone surrogate`);
  }
  if (query.limit !== undefined && !(Number.isSafeInteger(query.limit) && query.limit >= 0)) {
    throw new InvalidRequestError(`limit ${query.limit} is not an integer that is not negative`);
  }
}
