import { readFileSync } from "node:fs";

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const SHEET = '<unmask-text id="sheet" aria-hidden="true">';

/**
 * Keeps the page from moving while it starts: the place of the recording that will play is taken by its text, unseen,
 * and the two fonts that everything is set in are fetched along with the scripts.
 */
export function firstPaint({ recording, fonts }) {
  return {
    name: "first-paint",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }) {
        const { prompt, events } = JSON.parse(readFileSync(recording, "utf8"));
        const text = (prompt.text + events.at(-1).text).replace(/[&<>]/g, (char) => ESCAPES[char]);
        if (!html.includes(SHEET)) throw new Error("index.html has no sheet");
        const files = Object.keys(bundle ?? {});
        const preloads = fonts.flatMap((font) => files.filter((file) => file.includes(`/${font}-`)));
        if (bundle !== undefined && preloads.length !== fonts.length) throw new Error(`fonts: ${preloads}`);
        return {
          html: html.replace(SHEET, `${SHEET}<span slot="poster" class="coming">${text}</span>`),
          tags: preloads.map((file) => ({
            tag: "link",
            attrs: { rel: "preload", as: "font", type: "font/woff2", crossorigin: "", href: `./${file}` },
            injectTo: "head",
          })),
        };
      },
    },
  };
}
