import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../../api/index.ts";
import { testEnv } from "../../kit/index.ts";
import { forbidden } from "../../machinery/index.ts";
import { connectionFailed } from "../connection-error.ts";
import { createClient } from "../create-client.ts";
import { FakeServer } from "../fake-server.fixture.ts";
import { createEventRecorder } from "./recorder.ts";

const pod = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: { name: "web", namespace: "shop", uid: "u1", resourceVersion: "7" },
};

function setup() {
  const env = testEnv();
  const server = new FakeServer<corev1.Event>(resources.events);
  const recorder = createEventRecorder(createClient(server), env, "kubelet", { host: "n1" });
  const stored = () => [...server.objects.values()];
  return { env, server, recorder, stored };
}

describe("event recorder", () => {
  it("writes a core/v1 Event as upstream does", async () => {
    const { recorder, stored } = setup();
    recorder.event(pod, "Normal", "Pulled", "Container image present", { a: "b" });
    await recorder.flush();
    expect(stored()[0]).toMatchObject({
      kind: "Event",
      apiVersion: "v1",
      metadata: { name: "web.18867251edfa0001", namespace: "shop", annotations: { a: "b" } },
      involvedObject: {
        kind: "Pod",
        namespace: "shop",
        name: "web",
        uid: "u1",
        apiVersion: "v1",
        resourceVersion: "7",
      },
      type: "Normal",
      reason: "Pulled",
      message: "Container image present",
      count: 1,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
      source: { component: "kubelet", host: "n1" },
      reportingComponent: "kubelet",
      reportingInstance: "n1",
    });
  });

  it("counts the same event instead of writing it again", async () => {
    const { env, recorder, server, stored } = setup();
    recorder.event(pod, "Warning", "BackOff", "no");
    await env.clock.advance(1000);
    recorder.event(pod, "Warning", "BackOff", "no");
    recorder.event(pod, "Warning", "BackOff", "no");
    await recorder.flush();
    expect(stored()).toHaveLength(1);
    expect(stored()[0]).toMatchObject({
      count: 3,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:01Z",
    });
    expect(server.requests.at(-1)).toMatchObject({
      method: "PATCH",
      contentType: "application/strategic-merge-patch+json",
      body: { count: 3, lastTimestamp: "2026-01-01T00:00:01Z", message: "no" },
    });
  });

  it("makes an event anew that has expired", async () => {
    const { recorder, server, stored } = setup();
    recorder.event(pod, "Normal", "R", "m");
    await recorder.flush();
    server.objects.clear();
    recorder.event(pod, "Normal", "R", "m");
    await recorder.flush();
    expect(stored()).toMatchObject([{ count: 2 }]);
  });

  it("combines what differs only in its message, from the tenth on", async () => {
    const { recorder, stored } = setup();
    for (let i = 0; i < 15; i++) recorder.event(pod, "Normal", "Created", `message ${i}`);
    await recorder.flush();
    expect(stored()).toHaveLength(10);
    expect(stored().at(-1)).toMatchObject({ count: 6, message: "(combined from similar events): message 14" });
  });

  it("lets 25 events about an object through, then one in five minutes", async () => {
    const { env, recorder, server } = setup();
    for (let i = 0; i < 40; i++) recorder.event(pod, "Normal", `Reason${i}`, "m");
    await recorder.flush();
    expect(server.requests).toHaveLength(25);
    await env.clock.advance(300_000);
    for (let i = 0; i < 3; i++) recorder.event(pod, "Normal", `Later${i}`, "m");
    await recorder.flush();
    expect(server.requests).toHaveLength(26);
  });

  it("puts events about cluster-scoped objects and references where they belong", async () => {
    const { recorder, stored } = setup();
    recorder.event({ kind: "Node", apiVersion: "v1", metadata: { name: "n1" } }, "Normal", "Ready", "m");
    recorder.event({ kind: "Pod", name: "UPPER", namespace: "x", fieldPath: "spec.containers{a}" }, "Normal", "R", "m");
    await recorder.flush();
    expect(stored().map((e) => e.metadata.namespace)).toEqual(["default", "x"]);
    expect(stored()[1]?.involvedObject.fieldPath).toBe("spec.containers{a}");
    expect(stored()[1]?.metadata.name).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("tries again when the server is away, and gives up when it refuses", async () => {
    const { env, recorder, server, stored } = setup();
    let failures = 3;
    server.intercept = () => {
      if (failures-- > 0) throw connectionFailed("refused");
      return undefined;
    };
    recorder.event(pod, "Normal", "A", "m");
    await env.clock.advance(40_000);
    expect(stored()).toHaveLength(1);
    server.intercept = () => {
      throw forbidden(resources.events, "", "no");
    };
    recorder.event(pod, "Normal", "B", "m");
    await recorder.flush();
    expect(server.requests).toHaveLength(5);
  });

  it("drops everything once stopped", async () => {
    const { env, recorder, server } = setup();
    server.intercept = () => {
      throw connectionFailed("refused");
    };
    recorder.event(pod, "Normal", "A", "m");
    await env.clock.settle();
    recorder.stop();
    await recorder.flush();
    recorder.event(pod, "Normal", "B", "m");
    await recorder.flush();
    expect([server.requests.length, env.clock.pending]).toEqual([1, 0]);
  });
});
