import type { StoredObject } from "../cache/index.ts";
import { fromHub, toHub } from "../catalog/view.ts";
import { kindOf } from "../request/decode.ts";
import type { ApiObject } from "../seams/index.ts";
import { type EndpointCall, prepareObject, type WriteOptions } from "./call.ts";
import { trackOwners } from "./field-tracking.ts";

/** What a get, update or patch of an object or one of its subresources shows, and how a change to that gets back. */
export interface ObjectView {
  /** What bodies must be. */
  readonly kind: { readonly kind: string; readonly apiVersion: string };
  /** Of which type strategic merge patches are; absent where there are none. */
  readonly type?: readonly [group: string, version: string, kind: string];
  /** The stored object as requests see it. */
  show(stored: StoredObject): StoredObject;
  /** Checks and defaults what a request sent or patched; private to the request. */
  check(object: ApiObject, validation: WriteOptions["fieldValidation"], duplicates?: readonly string[]): ApiObject;
  /** A checked object as admission is to see it: with its owners, in the form it is kept in. Changes what it is given. */
  settle(object: ApiObject, old: StoredObject | undefined, options: WriteOptions): ApiObject;
  /** The new object to store, made of what was admitted; both are private. `old` is absent when it is to be created. */
  apply(admitted: ApiObject, old: StoredObject | undefined, options: WriteOptions): ApiObject;
  /** What admission sees of an object that is or would be stored. */
  admitted(object: ApiObject): ApiObject;
  /** Whether the answer is the stored object in this version, so that its bytes can be used. */
  readonly whole: boolean;
}

/** The object itself, in the version of the request. */
export function wholeView(call: EndpointCall): ObjectView {
  const { served } = call;
  const { group, version, kind } = served.resource;
  return {
    kind: kindOf(served),
    type: [group, version, kind],
    show: (stored) => fromHub(served, stored),
    check: (object, validation, duplicates) => prepareObject(call, object, validation, duplicates),
    settle: (object, old, options) => toHub(served, trackOwners(call, old && fromHub(served, old), object, options)),
    apply: (admitted) => admitted,
    admitted: (object) => object,
    whole: true,
  };
}
