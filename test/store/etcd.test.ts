import { afterAll, beforeAll, describe } from "vitest";
import { RealClock, silent, SystemRandom } from "../../src/kit/index.ts";
import { storeConformance } from "../../src/store/conformance.ts";
import { openEtcdStore } from "../../src/store/etcd/index.ts";
import { etcdBinary, etcdVersion, startEtcd, type EtcdCluster } from "./etcd/member.ts";

const env = { clock: new RealClock(), random: new SystemRandom(), log: silent };

describe.skipIf(!etcdBinary)(etcdBinary ? etcdVersion() : "etcd (not on PATH; set K8TS_ETCD)", () => {
  let cluster: EtcdCluster;
  let tests = 0;

  beforeAll(async () => {
    cluster = await startEtcd(1);
  });
  afterAll(() => cluster.stop());

  storeConformance("the etcd store", () => {
    const prefix = `/conformance-${++tests}`;
    const open = (): ReturnType<typeof openEtcdStore> => openEtcdStore({ endpoints: cluster.endpoints, env, prefix });
    return {
      open,
      reopen: async (store) => {
        await store.close();
        return open();
      },
      advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    };
  });
});
