/** What `k8ts --version` prints: the package's version, and the Kubernetes whose API and behaviour it has. */
export const VERSION = "k8ts 0.1.0 (Kubernetes v1.35.2)";
