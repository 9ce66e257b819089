import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addContext, removeContext, setCurrentContext } from "./entries.ts";
import { findContext } from "./find.ts";
import { inClusterContext } from "./in-cluster.ts";
import { kubeconfigPaths, loadKubeconfig } from "./load.ts";
import { parseKubeconfig } from "./parse.ts";
import { resolveContext } from "./resolve.ts";
import { kubeconfigWritePath } from "./write.ts";

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "kubeconfig-"))));
afterEach(() => rmSync(dir, { recursive: true }));

const b64 = (text: string) => Buffer.from(text).toString("base64");

const WHOLE = `
apiVersion: v1
kind: Config
current-context: dev
preferences: {}
clusters:
- name: c1
  cluster:
    server: https://1.2.3.4:6443
    certificate-authority-data: ${b64("CA PEM")}
    tls-server-name: kube
- name: c2
  cluster: { server: "http://localhost:8080", insecure-skip-tls-verify: true, certificate-authority: pki/ca.crt }
users:
- name: u1
  user:
    client-certificate-data: ${b64("CERT")}
    client-key: /abs/key
    as: jane
    as-groups: [a, b]
- name: u2
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./bin/login
      args: [--x]
      env: [{ name: A, value: b }]
contexts:
- name: dev
  context: { cluster: c1, user: u1, namespace: shop }
- name: other
  context: { cluster: c2, user: u2 }
- name: broken
  context: { cluster: nope, user: u1 }
`;

describe("parse and resolve", () => {
  it("resolves the current context", async () => {
    const { name, namespace, connection } = resolveContext(await parseKubeconfig(WHOLE, "/home/x/.kube/config"));
    expect({ name, namespace, connection }).toEqual({
      name: "dev",
      namespace: "shop",
      connection: {
        server: "https://1.2.3.4:6443",
        caData: "CA PEM",
        tlsServerName: "kube",
        clientCertData: "CERT",
        clientKeyFile: "/abs/key",
        impersonate: { user: "jane", groups: ["a", "b"] },
      },
    });
  });

  it("resolves paths relative to the file, and exec plugins", async () => {
    const config = await parseKubeconfig(WHOLE, "/home/x/.kube/config");
    expect(resolveContext(config, { context: "other", namespace: "n" })).toEqual({
      name: "other",
      namespace: "n",
      connection: {
        server: "http://localhost:8080",
        caFile: "/home/x/.kube/pki/ca.crt",
        insecureSkipTlsVerify: true,
        exec: {
          apiVersion: "client.authentication.k8s.io/v1",
          command: "/home/x/.kube/bin/login",
          args: ["--x"],
          env: [{ name: "A", value: "b" }],
          interactiveMode: "IfAvailable",
        },
      },
    });
  });

  it.each([
    [{ context: "none" }, 'kubeconfig: context "none" does not exist; there are: dev, other, broken'],
    [
      { context: "broken" },
      'kubeconfig: cluster "nope", which context "broken" names (in /f), does not exist; there are: c1, c2',
    ],
    [{ user: "none" }, 'user "none", which context "dev" names (in /f), does not exist'],
  ])("says what is missing: %j", async (options, message) => {
    const config = await parseKubeconfig(WHOLE, "/f");
    expect(() => resolveContext(config, options)).toThrow(message);
  });

  it("says when nothing is configured, or no context chosen", async () => {
    const empty = await parseKubeconfig("", "/f");
    expect(() => resolveContext(empty)).toThrow("no cluster is configured (looked in /f)");
    const noCurrent = await parseKubeconfig(WHOLE.replace("current-context: dev", ""), "/f");
    expect(() => resolveContext(noCurrent)).toThrow("no current context is set; there are: dev, other, broken");
  });

  it.each([
    ["a: [1", "kubeconfig /f, line 1: "],
    ["x:\n  - a\n b: c", "kubeconfig /f, line 3: "],
    ["kind: Pod", '/f, line 1: kind is "Pod", expected "Config"'],
    ["clusters:\n- name: a\n", "/f, line 2: clusters[0].cluster is missing"],
    ["clusters:\n- cluster: {}\n", "/f, line 2: clusters[0].name is missing"],
    [
      "\nusers:\n- name: a\n  user:\n    token: 12345\n",
      "/f, line 5: users[0].user.token: expected a string, found 12345",
    ],
    ["clusters: {a: b}", '/f, line 1: clusters: expected a list, found {"a":"b"}'],
    [
      "clusters:\n- name: a\n  cluster: {certificate-authority-data: '!!'}",
      "line 3: clusters[0].cluster.certificate-authority-data is not valid base64",
    ],
    [
      "contexts:\n- {name: a, context: {}}\n- {name: a, context: {}}",
      'line 3: contexts[1].name "a" occurs twice in contexts',
    ],
    [
      "users:\n- name: a\n  user: {exec: {command: x, apiVersion: v9}}",
      'line 3: users[0].user.exec.apiVersion is "v9", expected one of',
    ],
  ])("names file and line of what is wrong: %j", async (text, message) => {
    await expect(parseKubeconfig(text, "/f")).rejects.toThrow(message);
  });
});

describe("load", () => {
  it("finds its files as kubectl does", () => {
    expect(kubeconfigPaths({ environment: { HOME: "/home/x" } })).toEqual(["/home/x/.kube/config"]);
    expect(kubeconfigPaths({ environment: { KUBECONFIG: "/a::/b:/a" } })).toEqual(["/a", "/b"]);
    expect(kubeconfigPaths({ path: "/c", environment: { KUBECONFIG: "/a" } })).toEqual(["/c"]);
  });

  it("merges: the first to name an entry wins", async () => {
    const [a, b] = [join(dir, "a"), join(dir, "b")];
    writeFileSync(a, "clusters: [{name: c, cluster: {server: 'https://a'}}]");
    writeFileSync(
      b,
      "current-context: x\nclusters: [{name: c, cluster: {server: 'https://b', tls-server-name: z}}, {name: d, cluster: {server: 'https://d'}}]",
    );
    const config = await loadKubeconfig({ environment: { KUBECONFIG: `${dir}/none:${a}:${b}` } });
    expect(config.clusters.get("c")).toMatchObject({ server: "https://a", file: a });
    expect(config.clusters.get("c")?.tlsServerName).toBeUndefined();
    expect(config.clusters.get("d")?.server).toBe("https://d");
    expect([config.currentContext, config.missing]).toEqual(["x", [`${dir}/none`]]);
  });

  it("insists on a file that was named", async () => {
    await expect(loadKubeconfig({ path: join(dir, "none") })).rejects.toMatchObject({ code: "KubeconfigMissing" });
    await expect(loadKubeconfig({ path: dir })).rejects.toMatchObject({ code: "KubeconfigUnreadable" });
  });

  it("reads what a pod is given", () => {
    const environment = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
    writeFileSync(join(dir, "token"), "t");
    writeFileSync(join(dir, "namespace"), "shop\n");
    expect(inClusterContext({ environment, directory: dir })).toEqual({
      name: "in-cluster",
      namespace: "shop",
      connection: { server: "https://[fd00::1]:443", tokenFile: join(dir, "token") },
    });
    expect(() => inClusterContext({ environment: {} })).toThrow("not in a pod");
  });
});

describe("findContext", () => {
  it("takes the kubeconfig, and says where it looked when there is none", async () => {
    const path = join(dir, "config");
    const environment = { KUBECONFIG: path };
    await expect(findContext({ environment })).rejects.toThrow(`no cluster is configured (looked in ${path})`);
    writeFileSync(path, WHOLE);
    expect(await findContext({ environment, namespace: "n" })).toMatchObject({ name: "dev", namespace: "n" });
  });
});

describe("write", () => {
  const entry = {
    name: "k8ts-a",
    server: "https://127.0.0.1:6443",
    caData: "CA",
    clientCertData: "C",
    clientKeyData: "K",
  };

  it("makes a file that only its owner can read", async () => {
    const path = join(dir, "sub", "config");
    await addContext(path, entry, { environment: {} });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir, "sub"))).toEqual(["config"]);
    const config = await loadKubeconfig({ path });
    expect(resolveContext(config)).toMatchObject({
      name: "k8ts-a",
      connection: { server: "https://127.0.0.1:6443", caData: "CA", clientCertData: "C", clientKeyData: "K" },
    });
  });

  it("leaves what others wrote, comments included, and takes back only its own", async () => {
    const path = join(dir, "config");
    const before = `# mine\napiVersion: v1\nkind: Config\nclusters:\n  - name: c # dear\n    cluster: { server: https://c }\nusers: []\ncontexts:\n  - name: x\n    context: { cluster: c, user: "" }\ncurrent-context: x\nextra: 1\n`;
    writeFileSync(path, before, { mode: 0o644 });
    await addContext(path, entry, { environment: {} });
    await addContext(path, { ...entry, server: "https://new" }, { environment: {} });
    const text = readFileSync(path, "utf8");
    expect(text).toContain("# mine");
    expect(text).toContain("# dear");
    expect(text.match(/k8ts-a/g)).toHaveLength(6);
    const config = await loadKubeconfig({ path });
    expect([config.currentContext, config.clusters.get("k8ts-a")?.server]).toEqual(["k8ts-a", "https://new"]);
    await removeContext(path, "k8ts-a", { environment: {} });
    await setCurrentContext(path, "x", { environment: {} });
    expect(readFileSync(path, "utf8").replaceAll("\n\n", "\n")).toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("keeps a cluster that another context uses", async () => {
    const path = join(dir, "config");
    await addContext(path, entry, { environment: {} });
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(
        "contexts:\n",
        "contexts:\n  - {name: z, context: {cluster: k8ts-a, user: q}}\n",
      ),
    );
    await removeContext(path, "k8ts-a", { environment: {} });
    const config = await loadKubeconfig({ path });
    expect([[...config.clusters.keys()], [...config.users.keys()], config.currentContext]).toEqual([
      ["k8ts-a"],
      [],
      "",
    ]);
  });

  it("follows a symbolic link, and does not touch a file that is no kubeconfig", async () => {
    mkdirSync(join(dir, "real"));
    const [real, link] = [join(dir, "real", "config"), join(dir, "config")];
    writeFileSync(real, "");
    symlinkSync(real, link);
    await addContext(link, entry, { environment: {} });
    expect(readFileSync(real, "utf8")).toContain("k8ts-a");
    writeFileSync(real, "kind: Pod\n");
    await expect(addContext(link, entry, { environment: {} })).rejects.toThrow('kind is "Pod"');
    expect(readFileSync(real, "utf8")).toBe("kind: Pod\n");
    expect(readdirSync(join(dir, "real"))).toEqual(["config"]);
  });

  it("waits for the lock, and says which file it is", async () => {
    const path = join(dir, "config");
    writeFileSync(`${path}.lock`, "");
    let waits = 0;
    const patient = { sleep: async () => void (++waits === 3 && rmSync(`${path}.lock`)) };
    await addContext(path, entry, { environment: {}, clock: patient });
    expect(waits).toBe(3);
    writeFileSync(`${path}.lock`, "");
    const blocked = addContext(path, entry, { environment: {}, clock: { sleep: () => Promise.resolve() } });
    await expect(blocked).rejects.toThrow(`kubeconfig is locked by ${path}.lock; if no other program`);
    writeFileSync(`${path}.lock`, "4194305");
    await addContext(path, entry, { environment: {} });
    expect(readdirSync(dir)).toEqual(["config"]);
  });

  it("gives new files to the user behind sudo", async () => {
    if (process.getuid?.() !== 0) return;
    const path = join(dir, "u", "v", "config");
    await addContext(path, entry, { environment: { SUDO_UID: "1234", SUDO_GID: "1235" } });
    for (const made of [path, join(dir, "u", "v"), join(dir, "u")]) {
      expect([statSync(made).uid, statSync(made).gid]).toEqual([1234, 1235]);
    }
    expect(statSync(dir).uid).toBe(0);
  });

  it("changes the first file that exists", () => {
    writeFileSync(join(dir, "b"), "");
    const environment = { KUBECONFIG: `${dir}/a:${dir}/b` };
    expect(kubeconfigWritePath({ environment })).toBe(join(dir, "b"));
    expect(kubeconfigWritePath({ environment: { KUBECONFIG: `${dir}/x:${dir}/y` } })).toBe(join(dir, "x"));
  });
});
