import { describe, expect, it } from "vitest";
import { type coordinationv1, resources } from "../api/index.ts";
import { type TestEnv, onceAborted, testEnv } from "../kit/index.ts";
import { connectionFailed } from "./connection-error.ts";
import { createClient } from "./create-client.ts";
import { FakeServer } from "./fake-server.fixture.ts";
import { type LeaderElectionOptions, leaderElect } from "./leader-election.ts";

const lease = { namespace: "kube-system", name: "scheduler" };

function candidate(env: TestEnv, server: FakeServer<coordinationv1.Lease>, identity: string) {
  const log: string[] = [];
  const stop = new AbortController();
  // Each candidate has a connection of its own, which can break.
  let broken = false;
  const transport: typeof server = Object.create(server, {
    request: {
      value: (request: never) => (broken ? Promise.reject(connectionFailed("cut")) : server.request(request)),
    },
  }) as typeof server;
  const options: LeaderElectionOptions = {
    client: createClient(transport),
    env,
    lease,
    identity,
    onNewLeader: (leader) => log.push(`sees ${leader}`),
  };
  const lead = async (signal: AbortSignal): Promise<void> => {
    log.push(`leads@${env.clock.monotonic()}`);
    await onceAborted(signal);
    log.push(`ends@${env.clock.monotonic()}`);
  };
  const run = leaderElect(options, lead, stop.signal).then(
    () => "stopped",
    (error: Error) => error.message,
  );
  return { log, run, stop: () => stop.abort(new Error("stop")), cut: (value: boolean) => void (broken = value) };
}

describe("leaderElect", () => {
  it("has one leader, and hands over at once when that leaves", async () => {
    const env = testEnv();
    const server = new FakeServer<coordinationv1.Lease>(resources.leases);
    const a = candidate(env, server, "a");
    await env.clock.settle();
    const b = candidate(env, server, "b");
    await env.clock.advance(60_000);
    expect([a.log, b.log]).toEqual([["sees a", "leads@0"], ["sees a"]]);
    const spec = [...server.objects.values()][0]?.spec;
    expect(spec).toMatchObject({ holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(spec?.acquireTime).toBe("2026-01-01T00:00:00.000000Z");
    expect(spec?.renewTime).toBe("2026-01-01T00:01:00.000000Z");
    a.stop();
    expect(await a.run).toBe("stopped");
    await env.clock.advance(5000);
    expect(b.log.join()).toMatch(/^sees a,sees b,leads@6[0-4]/);
    expect([...server.objects.values()][0]?.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
    b.stop();
    await b.run;
  });

  it("loses leadership after the renew deadline, before another may take it", async () => {
    const env = testEnv();
    const server = new FakeServer<coordinationv1.Lease>(resources.leases);
    const a = candidate(env, server, "a");
    await env.clock.settle();
    const b = candidate(env, server, "b");
    await env.clock.advance(20_000);
    a.cut(true);
    await env.clock.advance(30_000);
    expect(await a.run).toBe("failed to renew lease kube-system/scheduler within 10 s");
    const ended = Number(a.log.find((l) => l.startsWith("ends@"))?.slice(5));
    const led = Number(b.log.find((l) => l.startsWith("leads@"))?.slice(6));
    expect(ended).toBeLessThanOrEqual(32_000);
    expect(led).toBeGreaterThan(ended);
    expect(led).toBeLessThanOrEqual(20_000 + 15_000 + 4400 + 2000);
    b.stop();
    await b.run;
  });

  it("keeps leading through a short outage and a foreign change of the lease", async () => {
    const env = testEnv();
    const server = new FakeServer<coordinationv1.Lease>(resources.leases);
    const a = candidate(env, server, "a");
    await env.clock.advance(10_000);
    a.cut(true);
    await env.clock.advance(8000);
    a.cut(false);
    await env.clock.advance(30_000);
    expect(a.log).toEqual(["sees a", "leads@0"]);
    a.stop();
    await a.run;
    expect(env.clock.pending).toBe(0);
  });

  it("passes on the failure of what it runs, after freeing the lease", async () => {
    const env = testEnv();
    const server = new FakeServer<coordinationv1.Lease>(resources.leases);
    const client = createClient(server);
    const lead = () => Promise.reject(new Error("bug"));
    const run = leaderElect({ client, env, lease, identity: "a" }, lead, new AbortController().signal);
    await expect(run).rejects.toThrow("bug");
    expect([...server.objects.values()][0]?.spec.holderIdentity).toBe("");
  });

  it("refuses settings that cannot be safe", async () => {
    const env = testEnv();
    const client = createClient(new FakeServer(resources.leases));
    const run = leaderElect(
      { client, env, lease, identity: "a", leaseDuration: 5000 },
      () => Promise.resolve(),
      new AbortController().signal,
    );
    await expect(run).rejects.toThrow("leaseDuration must be greater than renewDeadline");
  });
});
