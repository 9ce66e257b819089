import type { Answer } from "../request/answer.ts";
import { createObject } from "../registry/create.ts";
import { checkNamespace } from "../registry/metadata.ts";
import { readObject } from "../request/decode.ts";
import { wholeView } from "./object-view.ts";
import { type EndpointCall, subjectOf, writeCall, writeOptions } from "./call.ts";

/** POST to a collection. */
export async function createEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, served } = call;
  const options = writeOptions(call, "CreateOptions");
  const view = wholeView(call);
  const duplicates: string[] | undefined = options.fieldValidation === "Ignore" ? undefined : [];
  const read = await readObject(call.context.request.body, view.kind, duplicates);
  const sent = view.check(read, options.fieldValidation, duplicates);
  const object = view.settle(sent, undefined, options);
  checkNamespace(call, object.metadata);
  const subject = { ...subjectOf(call, options), name: object.metadata.name ?? "" };
  const scoped = served.resource.group === "" && served.resource.resource === "namespaces";
  const admitted = scoped ? { ...subject, namespace: subject.name } : subject;
  await core.admission.mutate(admitted, "CREATE", object, undefined);
  const write = writeCall(call, options.dryRun, (next) => core.admission.validate(admitted, "CREATE", next, undefined));
  const item = await createObject(core.storage, core.env.random, write, object);
  return { type: "stored", status: 201, served, item };
}
