import { badRequest, deepClone } from "../../machinery/index.ts";
import { checkNamespace } from "../registry/metadata.ts";
import { updateObject } from "../registry/update.ts";
import type { Answer } from "../request/answer.ts";
import { readObject } from "../request/decode.ts";
import type { ApiObject } from "../seams/index.ts";
import { authorizeCreate } from "./authorize-create.ts";
import { type EndpointCall, subjectOf, writeCall, writeOptions } from "./call.ts";
import { answerOf } from "./get.ts";
import { type ObjectView, wholeView } from "./object-view.ts";

/** PUT of an object, or of one of its subresources. */
export async function updateEndpoint(call: EndpointCall, view: ObjectView = wholeView(call)): Promise<Answer> {
  const { core, context } = call;
  const options = writeOptions(call, "UpdateOptions");
  const duplicates: string[] | undefined = options.fieldValidation === "Ignore" ? undefined : [];
  const read = await readObject(context.request.body, view.kind, duplicates);
  const sent = view.check(read, options.fieldValidation, duplicates);
  checkNamespace(call, sent.metadata);
  checkName(call, sent);
  const subject = subjectOf(call, options);
  const write = writeCall(call, options.dryRun, async (next, old) => {
    if (!old) await authorizeCreate(call);
    const [after, before] = [next && view.admitted(next), old && view.admitted(old)];
    await core.admission.validate(subject, old ? "UPDATE" : "CREATE", after, before);
  });
  const uid = sent.metadata["uid"];
  const outcome = await updateObject(core.storage, core.env.random, write, {
    name: call.name,
    ...(typeof uid === "string" && uid !== "" && { preconditions: { uid } }),
    build: async (old) => {
      const object = view.settle(deepClone(sent), old, options);
      const before = old && view.admitted(old as unknown as ApiObject);
      await core.admission.mutate(subject, old ? "UPDATE" : "CREATE", object, before);
      return view.apply(object, old, options);
    },
  });
  return answerOf(call, view, outcome.item, outcome.created ? 201 : 200);
}

function checkName(call: EndpointCall, object: ApiObject): void {
  const given = object.metadata.name ?? "";
  if (given === call.name) return;
  if (given === "") {
    throw badRequest(`the name of the object (${call.name} based on URL) was undeterminable: name must be provided`);
  }
  throw badRequest(`the name of the object (${given}) does not match the name on the URL (${call.name})`);
}
