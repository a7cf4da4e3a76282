import fc from "fast-check";
import { expect, test } from "vitest";
import { behindSpace } from "./behind-space.ts";
import { determinise, runDfa } from "./dfa.ts";
import { compileNfa } from "./nfa.ts";
import { parseRegex } from "./regex.ts";
import { utf8Bytes } from "./utf8.ts";

test("a text is allowed exactly if it is one of the language when its first space is taken off", () => {
  const source = fc.constantFrom("[a-z ]{3}", " a+", "a* ?b", "( a|b)*", "", " ", "[^a]{1,2}", " {0,3}é");
  const text = fc.string({ unit: fc.constantFrom("a", "b", " ", "é"), maxLength: 4 });
  fc.assert(
    fc.property(source, fc.array(text, { minLength: 20 }), (regex, texts) => {
      const dfa = behindSpace(determinise(compileNfa(parseRegex(regex))));
      for (const written of texts) {
        const state = runDfa(dfa, dfa.start, utf8Bytes(written));
        const shown = written.startsWith(" ") ? written.slice(1) : written;
        expect(state >= 0 && dfa.accepting[state] === 1, JSON.stringify([regex, written])).toBe(
          new RegExp(`^(?:${regex})$`, "u").test(shown),
        );
      }
    }),
  );
});
