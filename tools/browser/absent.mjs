// Stands for a Node module that a browser bundle imports and must never use: any use says so.
export default new Proxy(
  {},
  {
    get(_target, property) {
      throw new TypeError(
        `A browser worker has no Node modules, and "${String(property)}" of one was used.`,
      );
    },
  },
);
