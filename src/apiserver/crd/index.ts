export { CustomResources, type CustomResourcesOptions } from "./custom-resources.ts";
