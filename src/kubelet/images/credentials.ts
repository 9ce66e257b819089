import type { corev1 } from "../../api/index.ts";
import type { AuthConfig, Sent } from "../../host/cri/index.ts";

interface DockerEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/**
 * The credentials that a pod's pull secrets hold for an image, most specific first. Entries may name a host, a host with a
 * path, or a host with `*` labels, as upstream's keyring has it. Secrets of other types or that cannot be read are passed over.
 */
export function credentialsFor(image: string, secrets: readonly corev1.Secret[]): Sent<AuthConfig>[] {
  const target = targetOf(image);
  const found: { readonly key: string; readonly auth: Sent<AuthConfig> }[] = [];
  for (const [key, entry] of secrets.flatMap(entriesOf)) {
    const pattern = key.replace(/^https?:\/\//, "").replace(/\/(?:v[12]\/?)?$/, "");
    if (matches(pattern, target)) found.push({ key: pattern, auth: authOf(entry) });
  }
  return found.toSorted((a, b) => b.key.length - a.key.length).map((f) => f.auth);
}

/** Host and path, without tag; images without a host are Docker Hub's. */
function targetOf(image: string): string {
  const name = image.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  const first = name.split("/")[0] ?? "";
  const hasHost = name.includes("/") && (first.includes(".") || first.includes(":") || first === "localhost");
  if (hasHost) return name;
  return `index.docker.io/${name.includes("/") ? name : `library/${name}`}`;
}

function matches(pattern: string, target: string): boolean {
  const [host = "", ...path] = pattern.split("/");
  const [targetHost = "", ...targetPath] = target.split("/");
  const hosts = host === "docker.io" ? ["docker.io", "index.docker.io"] : [host];
  if (!hosts.some((h) => hostMatches(h, targetHost))) return false;
  return targetPath.join("/").startsWith(path.join("/"));
}

function hostMatches(pattern: string, host: string): boolean {
  const [a, b] = [pattern.split("."), host.split(".")];
  return a.length === b.length && a.every((label, i) => labelMatches(label, b[i] ?? ""));
}

/** `*` stands for any characters of one label. */
function labelMatches(pattern: string, label: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === label;
  let at = 0;
  for (const [i, part] of parts.entries()) {
    const found = i === parts.length - 1 && part !== "" ? label.lastIndexOf(part) : label.indexOf(part, at);
    if (found < at || (i === 0 && found !== 0)) return false;
    at = found + part.length;
  }
  return parts.at(-1) === "" || at === label.length;
}

function entriesOf(secret: corev1.Secret): [string, DockerEntry][] {
  const modern = secret.data?.[".dockerconfigjson"];
  const legacy = secret.data?.[".dockercfg"];
  try {
    if (secret.type === "kubernetes.io/dockerconfigjson" && modern) {
      const { auths } = JSON.parse(Buffer.from(modern, "base64").toString("utf8")) as {
        auths?: Record<string, DockerEntry>;
      };
      return Object.entries(auths ?? {});
    }
    if (secret.type === "kubernetes.io/dockercfg" && legacy) {
      return Object.entries(JSON.parse(Buffer.from(legacy, "base64").toString("utf8")) as Record<string, DockerEntry>);
    }
  } catch {
    // Unreadable: as if it were not there.
  }
  return [];
}

function authOf(entry: DockerEntry): Sent<AuthConfig> {
  const decoded = entry.auth ? Buffer.from(entry.auth, "base64").toString("utf8") : "";
  const colon = decoded.indexOf(":");
  return {
    username: entry.username ?? (colon >= 0 ? decoded.slice(0, colon) : ""),
    password: entry.password ?? (colon >= 0 ? decoded.slice(colon + 1) : ""),
    identityToken: entry.identitytoken ?? "",
    registryToken: entry.registrytoken ?? "",
  };
}
