import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../api/index.ts";
import { type SeededRandom, testEnv } from "../kit/index.ts";
import { badRequest, expired, failure, tooManyRequests } from "../machinery/index.ts";
import { connectionFailed } from "./connection-error.ts";
import { createClient } from "./create-client.ts";
import { FakeServer } from "./fake-server.fixture.ts";
import { createInformerFactory } from "./informer-factory.ts";

const SEEDS = 150;
const STEPS = 120;

/** A handler that believes only what it is told, and checks that it is told nothing impossible. */
class Mirror {
  readonly known = new Map<string, corev1.Pod>();
  faults: string[] = [];

  added(pod: corev1.Pod): void {
    if (this.known.has(pod.metadata.name)) this.faults.push(`added twice: ${pod.metadata.name}`);
    this.known.set(pod.metadata.name, pod);
  }

  updated(pod: corev1.Pod, previous: corev1.Pod): void {
    if (this.known.get(pod.metadata.name) !== previous) this.faults.push(`wrong previous: ${pod.metadata.name}`);
    if (previous.metadata.uid !== pod.metadata.uid) this.faults.push(`two objects as one: ${pod.metadata.name}`);
    if (Number(pod.metadata.resourceVersion) <= Number(previous.metadata.resourceVersion))
      this.faults.push("back in time");
    this.known.set(pod.metadata.name, pod);
  }

  deleted(pod: corev1.Pod): void {
    if (!this.known.delete(pod.metadata.name)) this.faults.push(`deleted unknown: ${pod.metadata.name}`);
  }
}

const ERRORS = [
  connectionFailed("reset"),
  expired("too old"),
  tooManyRequests("later", 1),
  failure({ code: 500, reason: "InternalError", message: "oops" }),
  badRequest("what?"),
];

function step(random: SeededRandom, server: FakeServer<corev1.Pod>): void {
  const name = `p${random.int(8)}`;
  const exists = server.objects.has(`/api/v1/namespaces/default/pods/${name}`);
  switch (random.int(12)) {
    case 0:
      return server.cut(random.int(2) === 0 ? undefined : ERRORS[random.int(ERRORS.length)]);
    case 1:
      return server.compact();
    case 2:
      return server.bookmark();
    case 3: {
      let failures = random.int(4);
      server.intercept = () => {
        if (failures-- > 0) throw ERRORS[random.int(ERRORS.length)];
        return undefined;
      };
      return;
    }
    case 4:
    case 5:
    case 6:
      return exists ? server.remove(name) : undefined;
    default:
      server.put(name, { spec: { nodeName: `n${random.int(3)}` } });
  }
}

describe("informers", () => {
  it(`end up equal to the server, whatever happens (${SEEDS} schedules)`, async () => {
    let relists = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const env = testEnv({ seed });
      const server = new FakeServer<corev1.Pod>(resources.pods);
      const factory = createInformerFactory(createClient(server), env);
      const informer = factory.informer(resources.pods);
      informer.addIndex("node", (pod) => [pod.spec.nodeName ?? ""]);
      const mirror = new Mirror();
      informer.handle({
        added: (pod) => mirror.added(pod),
        updated: (pod, previous) => mirror.updated(pod, previous),
        deleted: (pod) => mirror.deleted(pod),
      });
      const stop = new AbortController();
      const run = factory.run(stop.signal);
      for (let i = 0; i < STEPS; i++) {
        step(env.random, server);
        if (env.random.int(3) === 0) await env.clock.advance(env.random.int(5000));
      }
      server.intercept = undefined;
      await env.clock.advance(180_000);
      const truth = [...server.objects.values()]
        .map((p) => `${p.metadata.name}@${p.metadata.resourceVersion}`)
        .toSorted();
      const said = (pods: Iterable<corev1.Pod>): string[] =>
        [...pods].map((p) => `${p.metadata.name}@${p.metadata.resourceVersion}`).toSorted();
      expect(said(informer.lister.list()), `seed ${seed}`).toEqual(truth);
      expect(said(mirror.known.values()), `seed ${seed}`).toEqual(truth);
      expect(mirror.faults, `seed ${seed}`).toEqual([]);
      for (const node of ["n0", "n1", "n2"]) {
        const there = [...server.objects.values()].filter((p) => p.spec.nodeName === node);
        expect(new Set(informer.lister.byIndex("node", node)), `seed ${seed}`).toEqual(new Set(there));
      }
      relists += server.requests.filter((r) => r.query?.["sendInitialEvents"] === "true").length;
      stop.abort();
      await run;
      expect(env.clock.pending).toBe(0);
    }
    // The schedules must have met what they are for.
    expect(relists).toBeGreaterThan(SEEDS * 3);
  });
});
