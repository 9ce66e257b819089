import { describe, expect, it } from "vitest";
import { resources } from "../api/index.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../machinery/index.ts";
import { createCluster } from "./index.ts";

describe("createCluster", () => {
  it("serves create, get, list, update, patch and delete in process", async () => {
    await using cluster = await createCluster();
    const maps = cluster.client.resource(resources.configmaps);
    const made = await maps.create({ metadata: { name: "a", namespace: "default" }, data: { k: "v" } });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(Object.isFrozen(made.metadata)).toBe(true);
    await expect(maps.create({ metadata: { name: "a", namespace: "default" } })).rejects.toSatisfy(isAlreadyExists);
    expect(await maps.get({ namespace: "default", name: "a" })).toBe(made);
    const updated = await maps.update({ ...made, data: { k: "w" } });
    expect(updated.data).toEqual({ k: "w" });
    await expect(maps.update({ ...made, data: { k: "x" } })).rejects.toSatisfy(isConflict);
    const patched = await maps.patch(
      { namespace: "default", name: "a" },
      { type: "merge", body: { data: { j: "1" } } },
    );
    expect(patched.data).toEqual({ k: "w", j: "1" });
    const list = await maps.list({ namespace: "default" });
    expect(list.items).toEqual([patched]);
    await maps.delete({ namespace: "default", name: "a" });
    await expect(maps.get({ namespace: "default", name: "a" })).rejects.toSatisfy(isNotFound);
  });

  it("watches from a list on", async () => {
    await using cluster = await createCluster();
    const maps = cluster.client.resource(resources.configmaps);
    const { metadata } = await maps.list({ namespace: "default" });
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of maps.watch({
        namespace: "default",
        resourceVersion: metadata.resourceVersion,
        signal: stop.signal,
      })) {
        if (event.type !== "BOOKMARK") seen.push(`${event.type} ${event.object.metadata.name}`);
      }
    })().catch(() => undefined);
    await maps.create({ metadata: { name: "a", namespace: "default" } });
    await maps.patch({ namespace: "default", name: "a" }, { type: "merge", body: { data: { a: "b" } } });
    await maps.create({ metadata: { name: "b", namespace: "kube-system" } });
    await maps.delete({ namespace: "default", name: "a" });
    await cluster.settle();
    stop.abort();
    await watching;
    expect(seen).toEqual(["ADDED a", "MODIFIED a", "DELETED a"]);
  });
});
