import { type Client, createClient } from "../../src/client/index.ts";
import { createApiServer } from "../../src/apiserver/index.ts";
import { resources } from "../../src/api/index.ts";
import { type Component, type Env, Group } from "../../src/kit/index.ts";
import { createMemoryStore } from "../../src/store/memory/index.ts";

export interface Plane extends AsyncDisposable {
  readonly client: Client;
  clientFor(user: string, groups: readonly string[]): Client;
}

const ADMIN = { name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };

/** An API server in this process, in real time, with the usual namespaces; and what else is to run with it. */
export async function startPlane(env: Env, extra: (plane: Plane) => readonly Component[] = () => []): Promise<Plane> {
  const server = createApiServer({ store: createMemoryStore(env), env });
  const stop = new AbortController();
  const group = new Group([server], { clock: env.clock, log: env.log });
  const running = group.run(stop.signal);
  await group.ready();
  const client = createClient(server.transportFor(ADMIN));
  const namespaces = client.resource(resources.namespaces);
  for (const name of ["default", "kube-system", "kube-node-lease"]) await namespaces.create({ metadata: { name } });
  const plane: Plane = {
    client,
    clientFor: (name, groups) =>
      createClient(server.transportFor({ name, groups: [...groups, "system:authenticated"] })),
    async [Symbol.asyncDispose]() {
      await others.catch(() => undefined);
      stop.abort();
      await running.catch(() => undefined);
    },
  };
  const others = Promise.all(extra(plane).map((c) => c.run(stop.signal)));
  return plane;
}
