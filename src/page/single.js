/**
 * cipher-chat: the page in one file. Below stands every module of the page, each within a function of its
 * own, as it is in the source: only `import` and `export` are written otherwise. Nothing is loaded.
 */

/** Each module by its path: what runs it, and what it exports once it has run. */
const modules = new Map();

function define(path, run) {
  modules.set(path, { run, exported: null });
}

/** What a module exports. It runs when it is first asked for. */
function use(path) {
  const module = modules.get(path.replace(/^\.\//, ''));
  module.exported ??= module.run();
  return module.exported;
}

/** The same for a module that is not always needed. */
async function later(path) {
  return use(path);
}
