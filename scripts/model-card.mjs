import { readFileSync } from "node:fs";
import { marked } from "marked";

const ID = "virtual:model-card";

/** The card of the embedded model as HTML, made when the page is built: the page itself knows no Markdown. */
export function modelCard(file) {
  return {
    name: "model-card",
    resolveId: (id) => (id === ID ? `\0${ID}` : undefined),
    load(id) {
      if (id !== `\0${ID}`) return undefined;
      this.addWatchFile(file);
      // One level down: the page has its own first heading.
      const html = marked.parse(readFileSync(file, "utf8").replace(/^#+ /gm, "#$&"), { async: false });
      // A wide table scrolls by itself, also by keyboard.
      const tables = html.replaceAll("<table>", '<div class="wide-table" tabindex="0"><table>');
      return `export const html = ${JSON.stringify(tables.replaceAll("</table>", "</table></div>"))};`;
    },
  };
}
