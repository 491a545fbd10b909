// Stands for Node's module "url" in a browser bundle.
export const URL = globalThis.URL;
