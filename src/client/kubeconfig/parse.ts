import { dirname, isAbsolute, join } from "node:path";
import type { ExecConfig } from "../connection-config.ts";
import type { KubeCluster, KubeContext, KubeUser, Kubeconfig } from "./types.ts";
import type { Section } from "./yaml-reader.ts";
import { YamlReader } from "./yaml-reader.ts";

const EXEC_EXTENSION = "client.authentication.k8s.io/exec";
const EXEC_VERSIONS = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
const INTERACTIVE_MODES = ["Never", "IfAvailable", "Always"];

/** Reads the text of one kubeconfig. `file` is for messages, and what relative paths are relative to. */
export async function parseKubeconfig(text: string, file: string): Promise<Kubeconfig> {
  const root = (await YamlReader.parse(text, file)).root();
  if (root) checkKind(root);
  const named = <T>(list: string, entry: string, read: (section: Section) => T): Map<string, T> => {
    const entries = new Map<string, T>();
    for (const item of root?.sections(list) ?? []) {
      const name = item.string("name");
      if (name === undefined || name === "") throw item.error("name", "is missing");
      if (entries.has(name)) throw item.error("name", `"${name}" occurs twice in ${list}`);
      const section = item.section(entry);
      if (!section) throw item.error(entry, "is missing");
      entries.set(name, read(section));
    }
    return entries;
  };
  return {
    clusters: named("clusters", "cluster", readCluster),
    users: named("users", "user", readUser),
    contexts: named("contexts", "context", readContext),
    currentContext: root?.string("current-context") ?? "",
    preferences: root?.section("preferences")?.raw() ?? {},
    files: [file],
    missing: [],
  };
}

function checkKind(root: Section): void {
  const [apiVersion, kind] = [root.string("apiVersion") ?? "v1", root.string("kind") ?? "Config"];
  if (kind !== "Config") throw root.error("kind", `is "${kind}", expected "Config"`);
  if (apiVersion !== "v1") throw root.error("apiVersion", `is "${apiVersion}", expected "v1"`);
}

function readCluster(s: Section): KubeCluster {
  const extension = s.sections("extensions").find((e) => e.string("name") === EXEC_EXTENSION);
  return defined({
    ...origin(s),
    server: s.string("server") ?? "",
    tlsServerName: s.string("tls-server-name"),
    insecureSkipTlsVerify: s.boolean("insecure-skip-tls-verify"),
    certificateAuthority: path(s, "certificate-authority"),
    certificateAuthorityData: s.base64("certificate-authority-data"),
    proxyUrl: s.string("proxy-url"),
    execConfig: extension?.value("extension"),
  });
}

function readUser(s: Section): KubeUser {
  const exec = s.section("exec");
  return defined({
    ...origin(s),
    clientCertificate: path(s, "client-certificate"),
    clientCertificateData: s.base64("client-certificate-data"),
    clientKey: path(s, "client-key"),
    clientKeyData: s.base64("client-key-data"),
    token: s.string("token"),
    tokenFile: path(s, "tokenFile"),
    username: s.string("username"),
    password: s.string("password"),
    impersonate: s.string("as"),
    impersonateUid: s.string("as-uid"),
    impersonateGroups: s.strings("as-groups"),
    impersonateExtra: s.value("as-user-extra") as KubeUser["impersonateExtra"] | undefined,
    exec: exec && readExec(exec),
  });
}

function readExec(s: Section): ExecConfig {
  const command = s.string("command");
  if (!command) throw s.error("command", "is missing");
  const apiVersion = s.string("apiVersion");
  if (apiVersion === undefined) throw s.error("apiVersion", "is missing");
  if (!EXEC_VERSIONS.includes(apiVersion)) {
    throw s.error("apiVersion", `is "${apiVersion}", expected one of ${EXEC_VERSIONS.join(", ")}`);
  }
  const mode = s.string("interactiveMode") ?? "IfAvailable";
  if (!INTERACTIVE_MODES.includes(mode)) {
    throw s.error("interactiveMode", `is "${mode}", expected one of ${INTERACTIVE_MODES.join(", ")}`);
  }
  const env = s.sections("env").map((e) => ({ name: e.string("name") ?? "", value: e.string("value") ?? "" }));
  return defined({
    // A path with a slash is relative to the file, a bare name is looked up in PATH.
    command: command.includes("/") ? absolute(s, command) : command,
    args: s.strings("args"),
    env,
    apiVersion,
    installHint: s.string("installHint"),
    provideClusterInfo: s.boolean("provideClusterInfo"),
    interactiveMode: mode as NonNullable<ExecConfig["interactiveMode"]>,
  });
}

function readContext(s: Section): KubeContext {
  return defined({
    ...origin(s),
    cluster: s.string("cluster") ?? "",
    user: s.string("user") ?? "",
    namespace: s.string("namespace") || undefined,
  });
}

function origin(s: Section): { file: string; raw: Record<string, unknown> } {
  return { file: s.reader.file, raw: s.raw() };
}

function path(s: Section, key: string): string | undefined {
  const value = s.string(key);
  return value ? absolute(s, value) : undefined;
}

function absolute(s: Section, value: string): string {
  return isAbsolute(value) ? value : join(dirname(s.reader.file), value);
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Leaves out what is undefined. */
function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
