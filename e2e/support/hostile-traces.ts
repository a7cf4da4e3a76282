import { commit, step, traceOf } from "./written-trace.ts";

/** Markup, an override that would turn the line around, U+1F98A in two tokens, two halves of a surrogate pair. */
export const NASTY = traceOf(
  {
    1: "Hi",
    2: ' <img src=x onerror="alert(1)">',
    3: " \u202egnp.exe\u202c",
    4: [0x20, 0xf0, 0x9f],
    5: [0xa6, 0x8a],
    6: "\ud83e",
    7: "\udd8a",
    8: "<script>alert(2)</script>",
    9: "\u0000\u001b[31m",
  },
  9,
  [
    step(1, 7, { commits: [commit(2, 3, 0.9)] }),
    step(2, 6, { commits: [commit(4, 5, 0.1)] }),
    step(3, 0, {
      commits: [1, 3, 5, 6, 7, 8].map((row) => commit(row, row + 1, 0.5)),
    }),
  ],
);

/** A recording like any other. */
export const GOOD = traceOf({ 1: "Hi", 2: " fox" }, 2, [step(1, 0, { commits: [commit(1, 2, 1)] })]);

/** Two given cells and nothing written. */
export const START = traceOf({ 1: "Hi" }, 2, []);
const events = START.events as object[];

/** What is wrong, the content of the file, and what is said of it. */
export const BAD: readonly (readonly [name: string, content: string, says: RegExp])[] = [
  ["no JSON", "{", /it is no JSON/],
  ["an empty file", "", /no JSON/],
  ["something else", "[]", /not a valid trace/],
  [
    "of a newer version",
    JSON.stringify({ ...START, schema: 99 }),
    /version 99, and this Unmask reads version 1/,
  ],
  ["whose events are none", JSON.stringify({ ...START, events: "none" }), /events/],
  ["that writes outside its canvas", written({ commits: [commit(99, 1, 1)] }), /writes row 99/],
  ["that deletes more than there is", written({ deletes: [{ at: 1, n: 5000 }] }), /deletes/],
  ["that grows without end", growing(), /inserts/],
  [
    "with a confidence that is no number",
    written({ commits: [{ row: 1, id: 1, conf: "1", reason: "best" }] }),
    /conf/,
  ],
  ["that never ends", JSON.stringify({ ...START, events: events.slice(0, 1) }), /end with done/],
  ["that starts twice", JSON.stringify({ ...START, events: [events[0], ...events] }), /starts twice/],
  ["nested too deep", `${"[".repeat(200_000)}${"]".repeat(200_000)}`, /not a/],
];

function written(more: object): string {
  return JSON.stringify(traceOf({ 1: "Hi" }, 2, [step(1, 0, more)]));
}

function growing(): string {
  const inserts = Array.from({ length: 256 }, () => ({ at: 0, n: 60_000 }));
  return JSON.stringify(
    traceOf(
      { 1: "Hi" },
      2,
      Array.from({ length: 400 }, (_, at) => step(at, 0, { inserts })),
    ),
  );
}
