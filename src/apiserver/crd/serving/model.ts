import { type ApplySchema, badRequest, internalError, ParseError } from "../../../machinery/index.ts";
import {
  applySchemaDefaults,
  applySchemaOfStructural,
  coerceMetadata,
  prune,
  type Structural,
} from "../../../machinery/structural/index.ts";
import type { ObjectModel } from "../../catalog/kind.ts";
import type { ApiObject } from "../../seams/index.ts";

/** A schema that keeps everything: for definitions whose objects are not pruned. */
export function withoutPruning(structural: Structural): Structural {
  return { ...structural, preserveUnknown: true };
}

/**
 * How objects of a version are read: unknown fields go, defaults come. Stored objects may be of another version or of an older
 * schema, so they are read the same way.
 */
export function customModel(
  kind: string,
  version: string,
  structural: Structural,
  conversion: VersionConversion,
): ObjectModel {
  let schema: ApplySchema | undefined;
  return {
    prepare(object, unknown) {
      unknown.push(...coerced(object, kind, version, structural).map(unknownField));
      unknown.push(...prune(object, structural, true).map(unknownField));
      applySchemaDefaults(object, structural);
      return object;
    },
    applySchema: () => (schema ??= applySchemaOfStructural(structural)),
    typedItems: false,
    convert: {
      toHub(object) {
        mustBeSame(conversion, object.apiVersion, conversion.hub);
        return object;
      },
      fromHub(object) {
        mustBeSame(conversion, object.apiVersion, conversion.own);
        prune(object, structural, true);
        applySchemaDefaults(object, structural);
        return object;
      },
    },
  };
}

/** How a version's objects become those of the version that is stored, and back. */
export interface VersionConversion {
  /** By a webhook; else only the apiVersion differs. */
  readonly webhook: boolean;
  /** The apiVersion that is served here, and the one that is stored. */
  readonly own: string;
  readonly hub: string;
}

/** Refuses what only a webhook could convert: an object that merely says to be of another version would be a wrong answer. */
function mustBeSame({ webhook }: VersionConversion, from: string, to: string): void {
  if (!webhook || from === to) return;
  throw internalError(
    `conversion webhook from ${from} to ${to} failed: conversion webhooks are not called by this server`,
  );
}

function unknownField(path: string): string {
  return `unknown field ${JSON.stringify(path)}`;
}

function coerced(object: ApiObject, kind: string, version: string, structural: Structural): string[] {
  try {
    return coerceMetadata(object, structural);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw badRequest(
      `${object.kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`,
    );
  }
}
