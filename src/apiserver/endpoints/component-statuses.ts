import { errorText } from "../../kit/index.ts";
import { notFound } from "../../machinery/index.ts";
import type { Answer } from "../request/answer.ts";
import type { BareCall } from "./call.ts";

/** The store, under the name that clients look for. */
const STORE = "etcd-0";

/** GET of component statuses, a deprecated way to ask whether the parts of the control plane are well. */
export async function componentStatusEndpoint(call: BareCall): Promise<Answer> {
  const status = await storeStatus(call);
  if (call.name === "") {
    const list = { kind: "ComponentStatusList", apiVersion: "v1", metadata: {}, items: [status] };
    return { type: "object", status: 200, object: list };
  }
  if (call.name !== STORE) throw notFound(call.served.resource, call.name);
  return { type: "object", status: 200, object: { kind: "ComponentStatus", apiVersion: "v1", ...status } };
}

async function storeStatus({ core }: BareCall): Promise<object> {
  const metadata = { name: STORE, creationTimestamp: null };
  try {
    await core.store.revision();
    return { metadata, conditions: [{ type: "Healthy", status: "True", message: "ok" }] };
  } catch (error) {
    return { metadata, conditions: [{ type: "Healthy", status: "False", error: errorText(error) }] };
  }
}
