/** Prints what was skipped; the names say why. The default reporter only counts it. */
export class SkipReporter {
  onTestRunEnd(modules) {
    const names = new Set();
    for (const module of modules) {
      for (const suite of module.children.allSuites()) {
        if (suite.options.mode === "skip") names.add(suite.fullName);
      }
      for (const test of module.children.allTests("skipped")) {
        if (test.parent.type !== "suite" || test.parent.options.mode !== "skip") names.add(test.fullName);
      }
    }
    for (const name of names) console.log(`   skipped: ${name}`);
  }
}
