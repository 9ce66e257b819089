import type { corev1 } from "../../../api/index.ts";
import { FieldPath, forbiddenField, semanticEqual, validateAnnotations } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { validateLabels } from "../common/labels.ts";
import type { KindEnv } from "../kind.ts";
import { validatePodAnnotations, validateProfilesAgree } from "./annotations.ts";
import { podRules } from "./options.ts";
import { dropDisabled } from "./prepare.ts";
import { validatePodSpec } from "./spec.ts";
import { podWarnings } from "./warnings.ts";

type Template = corev1.PodTemplateSpec;

/** A pod template inside another kind; `old` is the stored one on update. */
export function validateTemplate(
  errors: Errors,
  path: string,
  template: Template,
  options: { readonly env: KindEnv; readonly old?: Template | undefined },
): void {
  const { env, old } = options;
  const spec = template.spec ?? { containers: [] };
  const { labels, annotations } = template.metadata ?? {};
  const rules = podRules(env, false, old);
  validateLabels(errors, `${path}.labels`, labels);
  errors.push(...validateAnnotations(annotations, FieldPath.root(`${path}.annotations`)));
  validatePodAnnotations(errors, `${path}.annotations`, annotations, { spec, rules });
  validatePodSpec(errors, `${path}.spec`, spec, { rules });
  validateProfilesAgree(errors, `${path}.spec`, annotations, spec);
  if ((spec.ephemeralContainers?.length ?? 0) > 0) {
    const words = "ephemeral containers not allowed in pod template";
    errors.push(forbiddenField(`${path}.spec.ephemeralContainers`, words));
  }
}

/** Removes from a template what gates that are off would allow. */
export function dropDisabledInTemplate(template: Template | undefined, old: Template | undefined, env: KindEnv): void {
  if (template?.spec) dropDisabled(template.spec, old?.spec, env.gates);
}

/** Warnings about a template that is new or has changed. */
export function templateWarnings(path: string, template: Template | undefined, old: Template | undefined): string[] {
  if (!template?.spec || (old && semanticEqual(template, old))) return [];
  return podWarnings(path, template.metadata, template.spec);
}
