import { expect, it } from "vitest";
import { resources, type Resource } from "../../api/index.ts";
import type { ApiObject } from "../seams/index.ts";
import { gcFinalizers, type PropagationRequest } from "./gc-policy.ts";

type Case = [name: string, resource: Resource, present: string[], request: PropagationRequest, expected: string[]];

const CASES: readonly Case[] = [
  ["nothing asked", resources.deployments, [], {}, []],
  ["nothing asked of a Job", resources.jobs, [], {}, ["orphan"]],
  ["nothing asked of a CronJob", resources.cronjobs, [], {}, []],
  ["a Job in the background", resources.jobs, [], { propagationPolicy: "Background" }, []],
  ["foreground", resources.deployments, ["x/y"], { propagationPolicy: "Foreground" }, ["x/y", "foregroundDeletion"]],
  [
    "orphan instead of foreground",
    resources.deployments,
    ["foregroundDeletion"],
    { propagationPolicy: "Orphan" },
    ["orphan"],
  ],
  ["a finalizer that is there already", resources.deployments, ["orphan"], {}, ["orphan"]],
  ["the older way", resources.deployments, [], { orphanDependents: true }, ["orphan"]],
  ["the older way, off", resources.jobs, ["orphan"], { orphanDependents: false }, []],
  ["Events have no garbage", resources.events, [], { propagationPolicy: "Foreground" }, []],
];

it.each(CASES)("%s", (_name, resource, finalizers, request, expected) => {
  const object: ApiObject = { kind: "X", apiVersion: "v1", metadata: { finalizers } };
  expect(gcFinalizers(resource, object, request)).toEqual(expected);
});
