import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../../api/index.ts";
import type { Informer, InformerHandler, ResourceClient } from "../../client/index.ts";
import { testEnv } from "../../kit/index.ts";
import { controlledBy, pod, replicaSet } from "../fixtures/objects.ts";
import { WriteLedger } from "./ledger.ts";

const OWNER = replicaSet("rs", 1);
const owned = (name: string, version: string, more: Partial<corev1.Pod["metadata"]> = {}) =>
  pod(name, { metadata: { resourceVersion: version, ownerReferences: [controlledBy(OWNER)], ...more } });

function setup(live: readonly corev1.Pod[] = []) {
  const env = testEnv();
  const cache = new Map<string, corev1.Pod>();
  let handler: InformerHandler<corev1.Pod> = {};
  const informer = {
    resource: resources.pods,
    lister: { get: (key: string) => cache.get(key) },
    handle: (h: InformerHandler<corev1.Pod>) => {
      handler = h;
      return () => undefined;
    },
  } as unknown as Informer<corev1.Pod>;
  const client = {
    list: ({ fieldSelector = "" }) =>
      Promise.resolve({ items: live.filter((p) => fieldSelector === `metadata.name=${p.metadata.name}`) }),
  } as unknown as ResourceClient<corev1.Pod>;
  const woken: string[] = [];
  const ledger = new WriteLedger(informer, client, env, (p) => void woken.push(p.metadata.name));
  const keyOf = (p: corev1.Pod): string => `${p.metadata.namespace}/${p.metadata.name}`;
  return {
    env,
    ledger,
    woken,
    see: (p: corev1.Pod) => {
      const before = cache.get(keyOf(p));
      cache.set(keyOf(p), p);
      if (before === undefined) handler.added?.(p, false);
      else handler.updated?.(p, before);
    },
    gone: (p: corev1.Pod) => {
      cache.delete(keyOf(p));
      handler.deleted?.(p);
    },
    view: () =>
      ledger.view(cache.values(), OWNER.metadata.uid).map((p) => `${p.metadata.name}@${p.metadata.resourceVersion}`),
    first: () => ledger.view(cache.values(), OWNER.metadata.uid)[0],
  };
}

describe("WriteLedger", () => {
  it("shows what was created until the informer does", () => {
    const t = setup();
    t.ledger.created(owned("a", "5"));
    expect(t.view()).toEqual(["a@5"]);
    t.see(owned("a", "5"));
    t.see(owned("b", "6"));
    expect(t.view()).toEqual(["a@5", "b@6"]);
  });

  it("shows the newer of what was written and what is cached", () => {
    const t = setup();
    t.see(owned("a", "9"));
    t.ledger.wrote(owned("a", "10"));
    expect(t.view()).toEqual(["a@10"]);
    t.see(owned("a", "11"));
    expect(t.view()).toEqual(["a@11"]);
    t.ledger.wrote(owned("a", "10"));
    expect(t.view()).toEqual(["a@11"]);
  });

  it("shows a deletion asked for, until the object goes", () => {
    const t = setup();
    t.see(owned("a", "1"));
    t.ledger.deleting(owned("a", "1"));
    expect(t.first()?.metadata.deletionTimestamp).toBeDefined();
    t.gone(owned("a", "1"));
    expect(t.view()).toEqual([]);
  });

  it("is not fooled by answers that come after the end", () => {
    const t = setup();
    t.see(owned("a", "1"));
    t.gone(owned("a", "1"));
    t.ledger.created(owned("a", "1"));
    t.ledger.wrote(owned("a", "2"));
    t.ledger.wrote(owned("never-seen", "2"));
    expect(t.view()).toEqual([]);
  });

  it("asks the server about entries that stay, and wakes whoever depends on a wrong one", async () => {
    const t = setup([owned("kept", "3")]);
    t.ledger.created(owned("lost", "2"));
    t.ledger.created(owned("kept", "3"));
    await t.env.clock.advance(31_000);
    expect(t.view()).toEqual(["kept@3"]);
    expect(t.woken).toEqual(["lost"]);
    t.ledger.close();
    expect(t.env.clock.pending).toBe(0);
  });
});
