import { type Client, createClient, createInformerFactory, type Transport } from "../../client/index.ts";
import { type Clock, type Component, type Env, Group } from "../../kit/index.ts";
import type { Store } from "../../store/index.ts";
import { defaultAdmission } from "../admission/index.ts";
import {
  bearerAuthenticator,
  bootstrapTokenAuthenticator,
  certificateAuthenticator,
  requestHeaderAuthenticator,
  serviceAccountAuthenticator,
} from "../authn/index.ts";
import {
  escalationAdmission,
  liveGrants,
  mastersAuthorizer,
  rbacAuthorizer,
  reconcileBootstrapPolicy,
} from "../authz/index.ts";
import { createStrategies } from "../resources/index.ts";
import type { Authorizer, Lookup, UserInfo } from "../seams/index.ts";
import { type ApiServer, type ApiServerOptions, createApiServer } from "../server.ts";
import { ServiceAccountTokens, signingKey } from "../tokens/index.ts";
import { type AdvertisedAddress, ensureKubernetesService, ensureNamespaces, ensurePriorityClasses } from "./objects.ts";

export interface StandardApiServerOptions {
  readonly store: Store;
  readonly env: Env;
  /** PEM private key that signs service account tokens. */
  readonly serviceAccountKey: string;
  /** The tokens' issuer, such as `https://kubernetes.default.svc.cluster.local`. */
  readonly issuer: string;
  readonly serviceCidrs: readonly string[];
  /** Absent: there is no network to advertise (a cluster inside a process). */
  readonly advertise?: AdvertisedAddress;
  /** What admission waits by for what comes a moment later (a new namespace's service account). Default: the environment's. */
  readonly admissionClock?: Clock;
  /** Whatever else {@link createApiServer} takes. */
  readonly more?: Partial<Omit<ApiServerOptions, "store" | "env" | "authorizers" | "authenticators">>;
}

/** The server's own identity towards itself: what upstream calls the loopback client. */
const LOOPBACK: UserInfo = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

/** An API server as kubeadm would configure it: authentication, RBAC, admission, and the objects that every cluster has. */
export interface StandardApiServer {
  readonly server: ApiServer;
  /** Runs the server and what belongs to it; ready once the bootstrap objects are there. */
  readonly component: Component;
  readonly tokens: ServiceAccountTokens;
  /** A client with the given identity, in process. */
  clientFor(user: UserInfo): Client;
}

export function createStandardApiServer(options: StandardApiServerOptions): StandardApiServer {
  const { env, store } = options;
  // The server's own readers are its clients, so they exist before it does: their transport finds it when first used.
  const clientFor = (user: UserInfo): Client => createClient(lateTransport(() => server.transportFor(user)));
  const loopback = clientFor(LOOPBACK);
  const lookup: Lookup = {
    get: (resource, name, namespace) => server.lookup.get(resource, name, namespace),
    list: (resource, namespace) => server.lookup.list(resource, namespace),
  };
  const informers = createInformerFactory(loopback, env);
  const grants = liveGrants(informers);
  const tokens = new ServiceAccountTokens({
    keys: [signingKey(options.serviceAccountKey)],
    issuers: [options.issuer],
    audiences: [options.issuer],
    clock: env.clock,
    random: env.random,
    lookup,
  });
  const authorizers: Authorizer[] = [mastersAuthorizer(), rbacAuthorizer(grants)];
  const bearer = [serviceAccountAuthenticator(tokens), bootstrapTokenAuthenticator(lookup, env.clock)];
  const server = createApiServer({
    strategies: createStrategies({ random: env.random, serviceCidrs: options.serviceCidrs }),
    ...options.more,
    store,
    env,
    tokens,
    audiences: [options.issuer],
    grants,
    authorizers,
    authenticators: [requestHeaderAuthenticator(), certificateAuthenticator(), bearerAuthenticator(bearer, env.clock)],
    admission: [
      ...defaultAdmission({
        lookup,
        informers,
        client: loopback,
        env: { ...env, clock: options.admissionClock ?? env.clock },
      }),
      escalationAdmission(grants, () => authorizers),
      ...(options.more?.admission ?? []),
    ],
  });
  const bootstrap = bootstrapComponent(loopback, options.advertise);
  return {
    server,
    tokens,
    clientFor,
    component: new Group([server, informers, bootstrap], { clock: env.clock, name: "apiserver", log: env.log }),
  };
}

function lateTransport(find: () => Transport): Transport {
  let found: Transport | undefined;
  const transport = (): Transport => (found ??= find());
  return { request: (request) => transport().request(request), watch: (request) => transport().watch(request) };
}

/** Makes the bootstrap objects once; ready when they are there. */
function bootstrapComponent(client: Client, advertise: AdvertisedAddress | undefined): Component {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  return {
    name: "bootstrap",
    ready: () => promise,
    async run() {
      try {
        await ensureNamespaces(client);
        await Promise.all([
          reconcileBootstrapPolicy(client),
          ensurePriorityClasses(client),
          ...(advertise ? [ensureKubernetesService(client, advertise)] : []),
        ]);
        resolve();
      } catch (error) {
        reject(error);
        throw error;
      }
    },
  };
}
