import { readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, TestCluster, whyNoCluster } from "../support/cluster.ts";

const why = whyNoCluster();
const manifest = join(import.meta.dirname, "application.yaml");

interface PodList {
  items: {
    metadata: { name: string; uid: string };
    status: { phase: string; containerStatuses?: { containerID: string; restartCount: number; ready: boolean }[] };
  }[];
}

/** One request over a fresh connection; resolves with the body. */
function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 2000 }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error("timeout")));
  });
}

describe.skipIf(why !== undefined)(`the main job with stock kubectl${why ? ` (${why})` : ""}`, () => {
  const cluster = new TestCluster(`e2e${process.pid}`);
  const pods = async (selector: string): Promise<PodList["items"]> =>
    (JSON.parse(await cluster.kubectl(`get pods -l ${selector} -o json`)) as PodList).items;
  const podIds = async (): Promise<string[]> => {
    const list = JSON.parse(await cluster.kubectl("get pods -o json")) as PodList;
    return list.items
      .flatMap((p) =>
        (p.status.containerStatuses ?? []).map((c) => `${p.metadata.name} ${c.containerID} ${c.restartCount}`),
      )
      .toSorted();
  };

  beforeAll(async () => {
    const up = await cluster.k8ts("up");
    expect(up, cluster.log).toMatchObject({ code: 0 });
  });

  afterAll(() => cluster.dispose());

  it("has a Ready node, and a second up is quick and harmless", async () => {
    expect(await cluster.kubectl("get nodes --no-headers")).toMatch(/ Ready /);
    const again = await cluster.k8ts("up");
    expect(again.code).toBe(0);
    expect(await cluster.kubectl("config current-context")).toBe(`k8ts-${cluster.name}\n`);
  });

  it("runs an application: ConfigMap, Secret, Deployment of 3, NodePort Service", async () => {
    const out = await cluster.kubectl(`apply -f ${manifest}`);
    expect(out).toContain("deployment.apps/web created");
    expect(await cluster.kubectl("rollout status deployment/web --timeout=60s")).toContain("successfully rolled out");
    await cluster.kubectl("wait pod/client --for=condition=Ready --timeout=60s");
  });

  it("reaches all replicas through the NodePort, on localhost and on the node's address", async () => {
    const node = (await cluster.kubectl("get nodes -o jsonpath={.items[0].status.addresses[0].address}")).trim();
    const names = (await pods("app=web")).map((p) => p.metadata.name).toSorted();
    for (const host of ["127.0.0.1", node]) {
      await eventually(async () => {
        const seen = new Set<string>();
        for (let i = 0; i < 40; i++) seen.add((await ask(`http://${host}:31080/`)).trim().split(/\s/)[0] ?? "");
        expect([...seen].toSorted()).toEqual(names);
      }, 15);
    }
  });

  it("reaches all replicas through the Service's name from inside a pod", async () => {
    const names = (await pods("app=web")).map((p) => p.metadata.name).toSorted();
    const loop =
      "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do wget -qO- http://web/; echo; done";
    const text = await cluster.kubectl(`exec client -- sh -c "${loop}"`);
    expect(
      [
        ...new Set(
          text
            .split("\n")
            .map((line) => line.trim().split(/\s/)[0])
            .filter(Boolean),
        ),
      ].toSorted(),
    ).toEqual(names);
    expect(await cluster.kubectl("exec client -- nslookup web.default.svc.cluster.local")).toContain("10.");
  });

  it("gives containers their configuration", async () => {
    expect(await cluster.kubectl('exec client -- sh -c "echo $GREETING"')).toBe("hello\n");
    expect(await cluster.kubectl('exec client -- sh -c "echo $POD_NAME"')).toBe("client\n");
    expect(await cluster.kubectl('exec client -- sh -c "echo $WEB_SERVICE_HOST"')).toMatch(/^10\./);
    expect(await cluster.kubectl("exec client -- cat /etc/secret/token")).toBe("s3cret");
    expect(await cluster.kubectl("exec client -- ls /var/run/secrets/kubernetes.io/serviceaccount")).toBe(
      "ca.crt\nnamespace\ntoken\n",
    );
  });

  it("shows logs, execs with stdin and exit codes, forwards ports", async () => {
    expect(await cluster.kubectl("logs client")).toContain("started");
    expect(
      (await cluster.tryKubectl('exec -i client -- sh -c "cat; exit 7"', { input: "through stdin" })).stdout,
    ).toContain("through stdin");
    expect((await cluster.tryKubectl('exec client -- sh -c "exit 7"')).code).toBe(7);
    const forward = cluster.kubectlBackground("port-forward service/web 31999:80");
    await new Promise<void>((resolve) => forward.stdout?.once("data", () => resolve()));
    for (let i = 0; i < 3; i++) expect(await ask("http://127.0.0.1:31999/")).toMatch(/^web-/);
    forward.kill();
  });

  it("answers describe, get all, explain, top-level api-resources", async () => {
    expect(await cluster.kubectl("describe pod client")).toMatch(/Status:\s+Running/);
    expect(await cluster.kubectl("describe deployment web")).toMatch(/Replicas:\s+3 desired/);
    expect(await cluster.kubectl("describe node")).toContain("Allocatable");
    const all = await cluster.kubectl("get all");
    for (const kind of ["pod/client", "service/web", "deployment.apps/web", "replicaset.apps/web-"])
      expect(all).toContain(kind);
    expect(await cluster.kubectl("explain deployment.spec.replicas")).toContain("replicas");
    expect(await cluster.kubectl("api-resources")).toContain("deployments");
    expect(await cluster.kubectl("get events")).toContain("Scheduled");
  });

  it("scales up and down", async () => {
    await cluster.kubectl("scale deployment web --replicas=5");
    await cluster.kubectl("rollout status deployment/web --timeout=60s");
    expect(await pods("app=web")).toHaveLength(5);
    await cluster.kubectl("scale deployment web --replicas=3");
    await eventually(async () => expect(await pods("app=web")).toHaveLength(3));
  });

  it("rolls out a change without an outage, and back", async () => {
    let failed = 0;
    let asked = 0;
    let running = true;
    const load = (async () => {
      while (running) {
        asked++;
        await ask("http://127.0.0.1:31080/").catch(() => failed++);
      }
    })();
    await cluster.kubectl("set env deployment/web VERSION=2");
    await cluster.kubectl("rollout status deployment/web --timeout=90s");
    expect(await cluster.kubectl("rollout history deployment/web")).toMatch(/\n2 /);
    await cluster.kubectl("rollout undo deployment/web");
    await cluster.kubectl("rollout status deployment/web --timeout=90s");
    running = false;
    await load;
    expect(asked).toBeGreaterThan(50);
    expect(failed).toBe(0);
    expect(
      await cluster.kubectl("get deployment web -o jsonpath={.spec.template.spec.containers[0].env[*].name}"),
    ).not.toContain("VERSION");
  });

  it("heals a killed container and a deleted pod", async () => {
    const [victim, other] = await pods("app=web");
    await cluster.tryKubectl(`exec ${victim?.metadata.name} -- kill 1`);
    await cluster.tryKubectl(`exec client -- sh -c "kill -9 1"`);
    await cluster.kubectl(`delete pod ${other?.metadata.name} --wait=false`);
    await eventually(async () => {
      const now = await pods("app=web");
      expect(now.filter((p) => p.status.containerStatuses?.every((c) => c.ready))).toHaveLength(3);
      expect(now.map((p) => p.metadata.uid)).not.toContain(other?.metadata.uid);
    });
  });

  it("keeps containers, state and Services when killed and started again", async () => {
    await eventually(async () =>
      expect((await pods("app=web")).every((p) => p.status.containerStatuses?.[0]?.ready)).toBe(true),
    );
    await cluster.kubectl("wait pod/client --for=condition=Ready --timeout=60s");
    const before = await podIds();
    const objects = await cluster.kubectl("get deployments,services,configmaps,secrets -A -o name");
    let failed = 0;
    let asked = 0;
    let running = true;
    const load = (async () => {
      while (running) {
        asked++;
        await ask("http://127.0.0.1:31080/").catch(() => failed++);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    process.kill(cluster.serverPid, "SIGKILL");
    expect((await cluster.k8ts("status")).code).toBe(3);
    expect(await cluster.k8ts("start"), cluster.log).toMatchObject({ code: 0 });
    await eventually(async () => expect(await cluster.kubectl("get nodes --no-headers")).toMatch(/ Ready /));
    await new Promise((resolve) => setTimeout(resolve, 3000));
    running = false;
    await load;
    expect(await podIds()).toEqual(before);
    expect(await cluster.kubectl("get deployments,services,configmaps,secrets -A -o name")).toBe(objects);
    expect(asked).toBeGreaterThan(50);
    expect(failed).toBe(0);
  });

  it("stops and starts with its state", async () => {
    expect((await cluster.k8ts("stop")).code).toBe(0);
    await expect(ask("http://127.0.0.1:31080/")).rejects.toThrow();
    expect((await cluster.k8ts("start")).code).toBe(0);
    await eventually(async () => expect(await ask("http://127.0.0.1:31080/")).toMatch(/^web-/), 60);
  });

  it("deletes what was applied", async () => {
    await cluster.kubectl(`delete -f ${manifest} --timeout=60s`);
    expect((await cluster.kubectl("get pods --no-headers -o name")).trim()).toBe("");
    expect(readFileSync(manifest, "utf8")).toContain("kind: Service");
  });
});
