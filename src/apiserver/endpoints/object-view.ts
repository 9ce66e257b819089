import type { StoredObject } from "../cache/index.ts";
import { fromHub } from "../catalog/view.ts";
import { kindOf } from "../request/decode.ts";
import type { ApiObject } from "../seams/index.ts";
import { type EndpointCall, prepareObject, type WriteOptions } from "./call.ts";

/** What a get, update or patch of an object or one of its subresources shows, and how a change to that gets back. */
export interface ObjectView {
  /** What bodies must be. */
  readonly kind: { readonly kind: string; readonly apiVersion: string };
  /** Of which type strategic merge patches are; absent where there are none. */
  readonly type?: readonly [group: string, version: string, kind: string];
  /** The stored object as requests see it. */
  show(stored: StoredObject): StoredObject;
  /** Checks and defaults what a request sent or patched, in this view's form; private to the request. */
  check(object: ApiObject, validation: WriteOptions["fieldValidation"]): ApiObject;
  /** The new object to store, made of what was sent; both are private. `old` is absent when it is to be created. */
  apply(sent: ApiObject, old: StoredObject | undefined): ApiObject;
  /** What admission sees of an object that is or would be stored. */
  admitted(object: ApiObject): ApiObject;
  /** Whether the answer is the stored object in this version, so that its bytes can be used. */
  readonly whole: boolean;
}

/** The object itself, in the version of the request. */
export function wholeView(call: EndpointCall): ObjectView {
  const { group, version, kind } = call.served.resource;
  return {
    kind: kindOf(call.served),
    type: [group, version, kind],
    show: (stored) => fromHub(call.served, stored),
    check: (object, validation) => prepareObject(call, object, validation),
    apply: (sent) => sent,
    admitted: (object) => object,
    whole: true,
  };
}
