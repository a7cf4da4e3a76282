import { readFile } from "node:fs/promises";

/** Headers that a host adds to the answer for a path, beginning with a slash; undefined takes one away. */
export type HeadersOf = (path: string) => Readonly<Record<string, string | undefined>>;

/** As Netlify and Cloudflare Pages read the built `_headers`: a pattern, and below it indented headers. */
export async function headersFile(): Promise<HeadersOf> {
  const rules: { readonly pattern: RegExp; readonly headers: Record<string, string> }[] = [];
  for (const line of (await readFile("dist-app/_headers", "utf8")).split("\n")) {
    const header = /^\s+([\w-]+):\s*(.+)$/.exec(line);
    if (header !== null) rules.at(-1)!.headers[header[1]!] = header[2]!;
    else if (line !== "") rules.push({ pattern: globOf(line), headers: {} });
  }
  return (path) => {
    const matching = rules.filter(({ pattern }) => pattern.test(path));
    return Object.assign({}, ...matching.map(({ headers }) => headers)) as Record<string, string>;
  };
}

function globOf(line: string): RegExp {
  return new RegExp(`^${line.replace(/[.?+^$()[\]{}|\\]/g, "\\$&").replaceAll("*", ".*")}$`);
}

/** As a Hugging Face static Space serves a folder whose README begins with the front matter of docs/deploy.md. */
export async function spaceHeaders(): Promise<HeadersOf> {
  const notes = await readFile("docs/deploy.md", "utf8");
  const front = /```yaml\n---\n([\s\S]+?)---\n```/.exec(notes)?.[1] ?? "";
  const lines = [...front.matchAll(/^ {2}([\w-]+): (.+)$/gm)];
  const headers = Object.fromEntries(lines.map(([, name = "", value = ""]) => [name, value]));
  return () => ({ "Cross-Origin-Resource-Policy": undefined, ...headers });
}

/** As GitHub Pages answers: everything may be read from everywhere, is cached for ten minutes, and nothing else is said. */
export const pagesHeaders: HeadersOf = () => ({
  "Cache-Control": "max-age=600",
  "Cross-Origin-Resource-Policy": undefined,
});
