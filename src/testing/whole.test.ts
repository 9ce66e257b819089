import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { resources } from "../api/index.ts";
import { isForbidden } from "../machinery/index.ts";
import { createCluster } from "./index.ts";

const deployment = {
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "x" }] } },
  },
};

describe("a whole cluster in the test's process", () => {
  it("rolls out a Deployment onto simulated nodes", async () => {
    await using cluster = await createCluster({ nodes: 2 });
    await cluster.client.resource(resources.deployments).create(deployment);
    await cluster.settle();
    const { items } = await cluster.client.resource(resources.pods).list({ namespace: "default" });
    expect(items.map((p) => p.status.phase)).toEqual(["Running", "Running", "Running"]);
    expect(new Set(items.map((p) => p.spec.nodeName)).size).toBe(2);
    const done = await cluster.client.resource(resources.deployments).get({ namespace: "default", name: "web" });
    expect(done.status).toMatchObject({ readyReplicas: 3, availableReplicas: 3 });
  });

  it("admits a pod right behind its namespace, and empties the namespace when it goes", async () => {
    await using cluster = await createCluster();
    await cluster.client.resource(resources.namespaces).create({ metadata: { name: "new" } });
    const pods = cluster.client.resource(resources.pods);
    const pod = await pods.create({
      metadata: { name: "p", namespace: "new" },
      spec: { containers: [{ name: "c", image: "x" }] },
    });
    expect(pod.spec.serviceAccountName).toBe("default");
    await cluster.client.resource(resources.namespaces).delete({ name: "new" });
    await cluster.settle();
    const left = await cluster.client.resource(resources.namespaces).list();
    expect(left.items.map((n) => n.metadata.name)).not.toContain("new");
  });

  it("keeps users to their rights", async () => {
    await using cluster = await createCluster();
    const joe = cluster.clientFor("joe");
    await expect(joe.resource(resources.secrets).list({ namespace: "default" })).rejects.toSatisfy(isForbidden);
  });

  it("notices that a node's heart stopped when virtual minutes pass", async () => {
    await using cluster = await createCluster({ nodes: 0, scheduler: false });
    const nodes = cluster.client.resource(resources.nodes);
    await nodes.create({ metadata: { name: "lost" } });
    const ready = { type: "Ready" as const, status: "True" as const };
    await nodes.patch(
      { name: "lost" },
      { type: "strategic", body: { status: { conditions: [ready] } } },
      { subresource: "status" },
    );
    await cluster.advance(5 * 60_000);
    const lost = await nodes.get({ name: "lost" });
    expect(lost.spec.taints?.map((t) => t.key)).toContain("node.kubernetes.io/unreachable");
  });

  it("lets kubectl in when asked", async (context) => {
    const kubectl = promisify(execFile);
    await kubectl("kubectl", ["version", "--client"]).catch(() => context.skip("kubectl is not installed"));
    await using cluster = await createCluster();
    const { kubeconfig } = await cluster.listen();
    const dir = mkdtempSync(join(tmpdir(), "k8ts-testing-"));
    try {
      const file = join(dir, "kubeconfig");
      writeFileSync(file, kubeconfig, { mode: 0o600 });
      const { stdout } = await kubectl("kubectl", ["--kubeconfig", file, "get", "nodes", "-o", "name"]);
      expect(stdout).toBe("node/node-1\n");
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
