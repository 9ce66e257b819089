export { type ControllersConfig, DEFAULT_CONFIG } from "./config.ts";
export { type ControllersOptions, createControllers, MANAGER } from "./manager.ts";
export { CONTROLLER_NAMES, type ControllerName } from "./names.ts";
