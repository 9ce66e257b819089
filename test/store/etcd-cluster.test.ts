import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { errorText, RealClock, silent, SystemRandom } from "../../src/kit/index.ts";
import { createAuthority, issue } from "../../src/kit/x509/index.ts";
import { AccessDeniedError, UnavailableError, type Store, type WatchBatch } from "../../src/store/index.ts";
import { openEtcdStore, type EtcdStoreOptions } from "../../src/store/etcd/index.ts";
import { etcdBinary, startEtcd, type EtcdCluster, type EtcdMember } from "./etcd/member.ts";

const env = { clock: new RealClock(), random: new SystemRandom(), log: silent };
const stores: Store[] = [];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function open(options: Omit<EtcdStoreOptions, "env">): Promise<Store> {
  const store = await openEtcdStore({ ...options, env });
  stores.push(store);
  return store;
}

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

const needs = etcdBinary ? "" : " (etcd is not on PATH; set K8TS_ETCD)";

describe.skipIf(!etcdBinary)(`three etcd members${needs}`, () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcd(3);
  });
  afterAll(() => cluster.stop());

  /** The members in an order of their own, so that each test's victim is the one its store uses. */
  const endpointsFrom = (i: number): string[] => [...cluster.endpoints.slice(i), ...cluster.endpoints.slice(0, i)];
  const member = (i: number): EtcdMember => cluster.members[i] as EtcdMember;

  /** Writes numbers under `prefix` until told to stop, over a store of its own; answers what was acknowledged. */
  function writing(store: Store): { stop(): Promise<Map<number, string>> } {
    const acked = new Map<number, string>();
    let going = true;
    const work = (async () => {
      for (let i = 0; going; i++) {
        try {
          const result = await store.commit([{ kind: "put", key: `/n/${i % 20}`, value: Buffer.from(String(i)) }]);
          acked.set(result.revision, String(i));
        } catch (error) {
          expect(error).toBeInstanceOf(UnavailableError);
        }
        await sleep(5);
      }
    })();
    return {
      stop: async () => {
        going = false;
        await work;
        return acked;
      },
    };
  }

  /** Reads until the revision is reached; the batches must be in order, each once. */
  async function readTo(watch: AsyncIterator<WatchBatch>, revision: number): Promise<Map<number, string>> {
    const seen = new Map<number, string>();
    let last = 0;
    while (last < revision) {
      const { value, done } = await watch.next();
      if (done) throw new Error("the watch ended");
      const batch = value as WatchBatch;
      expect(batch.revision).toBeGreaterThan(last);
      last = batch.revision;
      const [event] = batch.events;
      if (event?.type === "put") seen.set(batch.revision, Buffer.from(event.entry.value).toString());
    }
    return seen;
  }

  const faults: Record<
    string,
    { hurt(m: EtcdMember): Promise<void> | void; heal(m: EtcdMember): Promise<void> | void; ms: number }
  > = {
    killed: { hurt: (m) => m.kill(), heal: (m) => m.start(), ms: 1500 },
    stopped: { hurt: (m) => m.signal("SIGSTOP"), heal: (m) => m.signal("SIGCONT"), ms: 7000 },
  };
  for (const [what, { hurt, heal, ms }] of Object.entries(faults)) {
    it(`goes on when the member in use is ${what}, and watches lose and repeat nothing`, async () => {
      const prefix = `/${what}`;
      const writer = await open({ endpoints: endpointsFrom(1), prefix });
      const reader = await open({ endpoints: endpointsFrom(0), prefix });
      const { signal } = new AbortController();
      const watch = reader.watch({ start: "/n/", end: "/n0", signal })[Symbol.asyncIterator]();
      const first = await writer.commit([{ kind: "put", key: "/n/first", value: Buffer.from("first") }]);
      const work = writing(writer);
      await sleep(500);
      await hurt(member(0));
      await sleep(ms);
      const got = await reader.get("/n/first");
      expect(got.entry?.modRevision).toBe(first.revision);
      await heal(member(0));
      await sleep(500);
      const acked = await work.stop();
      const end = await writer.commit([{ kind: "put", key: "/n/end", value: Buffer.from("end") }]);
      const seen = await readTo(watch, end.revision);
      expect(acked.size).toBeGreaterThan(100);
      for (const [revision, text] of acked) expect([revision, seen.get(revision)]).toEqual([revision, text]);
    });
  }

  it("a commit that hangs on a lost member is told as unknown, not tried twice", async () => {
    const prefix = "/unknown";
    const store = await open({ endpoints: endpointsFrom(0), prefix, timeout: 3000 });
    const others = await open({ endpoints: endpointsFrom(1), prefix });
    const before = await others.revision();
    member(0).signal("SIGSTOP");
    const commit = store.commit([{ kind: "put", key: "/once", value: Buffer.from("x") }]);
    await expect(commit).rejects.toThrow(UnavailableError);
    member(0).signal("SIGCONT");
    await sleep(1000);
    expect((await others.revision()) - before).toBeLessThanOrEqual(1);
    expect(await store.commit([{ kind: "put", key: "/twice", value: Buffer.from("x") }])).toMatchObject({ ok: true });
  });

  it("says that it is unavailable without a quorum, and comes back with it", async () => {
    const store = await open({ endpoints: endpointsFrom(0), prefix: "/quorum", timeout: 3000 });
    await store.commit([{ kind: "put", key: "/a", value: Buffer.from("1") }]);
    const { signal } = new AbortController();
    const watch = store.watch({ start: "", end: "", signal })[Symbol.asyncIterator]();
    await member(1).kill();
    await member(2).kill();
    await expect(store.get("/a")).rejects.toThrow(UnavailableError);
    await expect(store.commit([{ kind: "put", key: "/a", value: Buffer.from("2") }])).rejects.toThrow(UnavailableError);
    expect(Buffer.from((await store.get("/a", { stale: true })).entry?.value ?? []).toString()).toBe("1");
    await Promise.all([member(1).start(), member(2).start()]);
    await expect.poll(() => store.revision().catch(() => 0), { timeout: 20_000 }).toBeGreaterThan(0);
    const { revision } = await store.commit([{ kind: "put", key: "/b", value: Buffer.from("3") }]);
    for (let seen = 0; seen < revision;) seen = ((await watch.next()).value as WatchBatch).revision;
  });
});

describe.skipIf(!etcdBinary)(`access to etcd${needs}`, () => {
  let root = "";
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "k8ts-etcd-tls-"));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("tells when nobody answers", async () => {
    const began = performance.now();
    const nobody = await open({ endpoints: ["http://127.0.0.1:1"], timeout: 1000 }).catch((error: unknown) => error);
    expect(nobody).toBeInstanceOf(UnavailableError);
    expect(errorText(nobody)).toMatch(/ECONNREFUSED/);
    expect(performance.now() - began).toBeLessThan(5000);
    await expect(open({ endpoints: ["localhost:2379"] })).rejects.toThrow(/expected http:\/\/host:port/);
    await expect(open({ endpoints: [] })).rejects.toThrow(/no endpoints/);
  });

  it("speaks TLS with client certificates", async () => {
    const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
    const authority = createAuthority("etcd-ca", validity, env.random);
    const subject = { commonName: "k8ts" };
    const names = ["127.0.0.1"];
    const server = issue(authority, { subject, names, ...validity, usages: ["server", "client"] }, env.random);
    const client = issue(authority, { subject, ...validity, usages: ["client"] }, env.random);
    const file = (name: string, text: string): string => {
      writeFileSync(join(root, name), text, { mode: 0o600 });
      return join(root, name);
    };
    const files = [file("ca.pem", authority.cert), file("server.pem", server.cert), file("server.key", server.key)];
    const flags = [
      "--client-cert-auth",
      ...["--trusted-ca-file", "--cert-file", "--key-file"].flatMap((flag, i) => [flag, files[i] ?? ""]),
    ];
    const cluster = await startEtcd(1, flags, "https");
    try {
      const tls = { ca: Buffer.from(authority.cert), cert: Buffer.from(client.cert), key: Buffer.from(client.key) };
      const store = await open({ endpoints: cluster.endpoints, tls });
      expect(await store.commit([{ kind: "put", key: "/a", value: Buffer.from("x") }])).toMatchObject({ ok: true });
      const bare = open({ endpoints: cluster.endpoints, tls: { ca: tls.ca }, timeout: 1500 });
      await expect(bare).rejects.toThrow(UnavailableError);
      await expect(open({ endpoints: cluster.endpoints, timeout: 1500 })).rejects.toThrow(UnavailableError);
    } finally {
      await cluster.stop();
    }
  });

  const etcdctl = join(dirname(etcdBinary ?? ""), "etcdctl");
  const controllable = spawnSync(etcdctl, ["version"]).status === 0;
  it.skipIf(!controllable)(
    `speaks etcd's own authentication${controllable ? "" : " (etcdctl is missing)"}`,
    async () => {
      const cluster = await startEtcd(1, ["--auth-token-ttl", "1"]);
      try {
        const endpoints = cluster.endpoints;
        for (const command of ["user add root:secret", "user grant-role root root", "auth enable"]) {
          const { status, stderr } = spawnSync(etcdctl, ["--endpoints", endpoints.join(), ...command.split(" ")], {
            encoding: "utf8",
          });
          expect(`${command}: ${status} ${stderr}`).toBe(`${command}: 0 `);
        }
        const store = await open({ endpoints, auth: { username: "root", password: "secret" } });
        const { signal } = new AbortController();
        const watch = store.watch({ start: "", end: "", signal })[Symbol.asyncIterator]();
        expect(await store.commit([{ kind: "put", key: "/a", value: Buffer.from("x") }])).toMatchObject({ ok: true });
        // The token has run out by then.
        await sleep(2500);
        const { revision } = await store.commit([{ kind: "put", key: "/b", value: Buffer.from("x") }]);
        for (let seen = 0; seen < revision;) seen = ((await watch.next()).value as WatchBatch).revision;
        await expect(open({ endpoints, auth: { username: "root", password: "wrong" } })).rejects.toThrow(
          AccessDeniedError,
        );
        await expect(open({ endpoints })).rejects.toThrow(AccessDeniedError);
      } finally {
        await cluster.stop();
      }
    },
  );
});
