/** A ConfigMap of 600 bytes of data. */
export function configMap(name: string): string {
  return JSON.stringify({
    kind: "ConfigMap",
    apiVersion: "v1",
    metadata: { name, labels: { app: "bench" } },
    data: { key: "x".repeat(600) },
  });
}

/** A Pod of two containers, about 3 KB as stored. */
export function pod(i: number): string {
  const container = (name: string): object => ({
    name,
    image: `registry.example.com/team/${name}:v1.2.3`,
    command: ["/bin/server", "--port=8080", "--verbose"],
    env: Array.from({ length: 10 }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value number ${n} of ${name}` })),
    ports: [{ name: "http", containerPort: 8080 }],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "1", memory: "256Mi" } },
    readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 5 },
  });
  return JSON.stringify({
    kind: "Pod",
    apiVersion: "v1",
    metadata: {
      name: `pod-${i}`,
      labels: { app: "bench", tier: `tier-${i % 10}`, "pod-template-hash": "7d9f8b6c5d" },
      annotations: { "example.com/checksum": "0123456789abcdef0123456789abcdef0123456789abcdef" },
    },
    spec: { containers: [container("app"), container("sidecar")] },
  });
}

/** A Pod as small as they come. */
export function smallPod(i: number): string {
  return JSON.stringify({
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name: `small-${i}`, labels: { app: "bench" } },
    spec: { containers: [{ name: "app", image: "registry.example.com/team/app:v1.2.3" }] },
  });
}
