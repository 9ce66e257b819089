import { badRequest, deepClone } from "../../machinery/index.ts";
import { checkNamespace } from "../registry/metadata.ts";
import { updateObject } from "../registry/update.ts";
import type { Answer } from "../request/answer.ts";
import type { ApiObject } from "../seams/index.ts";
import { authorizeCreate } from "./authorize-create.ts";
import { type EndpointCall, readHubObject, subjectOf, writeCall, writeOptions } from "./call.ts";

/** PUT of an object or of its status. */
export async function updateEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, served } = call;
  const options = writeOptions(call, "UpdateOptions");
  const sent = await readHubObject(call, options.fieldValidation);
  checkNamespace(call, sent.metadata);
  checkName(call, sent);
  const subject = subjectOf(call, options);
  const write = writeCall(call, options.dryRun, async (next, old) => {
    if (!old) await authorizeCreate(call);
    await core.admission.validate(subject, old ? "UPDATE" : "CREATE", next, old);
  });
  const uid = sent.metadata["uid"];
  const outcome = await updateObject(core.storage, core.env.random, write, {
    name: call.name,
    ...(typeof uid === "string" && uid !== "" && { preconditions: { uid } }),
    build: async (old) => {
      const object = deepClone(sent);
      await core.admission.mutate(subject, old ? "UPDATE" : "CREATE", object, old as unknown as ApiObject | undefined);
      return object;
    },
  });
  return { type: "stored", status: outcome.created ? 201 : 200, served, item: outcome.item };
}

function checkName(call: EndpointCall, object: ApiObject): void {
  const given = object.metadata.name ?? "";
  if (given === call.name) return;
  if (given === "") {
    throw badRequest(`the name of the object (${call.name} based on URL) was undeterminable: name must be provided`);
  }
  throw badRequest(`the name of the object (${given}) does not match the name on the URL (${call.name})`);
}
