/**
 * Constraints on what a diffusion language model writes: a regular expression, a JSON schema without recursion, literals
 * at fixed cells, banned and required words. Exact: a token is allowed if and only if the masks that are left can still
 * be filled so that the whole text satisfies the constraint, in just the cells there are.
 *
 *   text pattern (regex.ts, json-schema.ts)  ->  automaton over bytes (nfa.ts, dfa.ts, minimise.ts), intersected with
 *   those of the words (words.ts, intersect.ts)  ->  automaton over tokens (token-trie.ts, token-automaton.ts)  ->  sets
 *   of states around every cell, a mask being any token (mask-wildcard.ts)  ->  best filling of a block (best-path.ts)
 *
 * How a decode loop uses it. `span` are the rows to fill; a text that ends early is filled up with end tokens, so hand
 * in those of the model, or none for the gaps of an infill, each of which is a span with a tracker of its own:
 *
 *   const constraint = compileConstraint(
 *     parseConstraint(recipe.constraint),
 *     vocabularyOf(tokenizer, [...eosIds, padId], suppressedIds),
 *     (text) => tokenizer.encode(text),
 *   );
 *   for (const { row, id } of constraint.placements(span)) commit(row, id);
 *   const tracker = constraint.track(canvas.ids, span, maskId);
 *   tracker.requireFeasible();                       // "cannot be met in 8 cells: its shortest text needs 10 tokens"
 *
 *   // Each step, with the statistics of the rows (topK about 64):
 *   for (const row of maskedRows) {
 *     const candidates = bestIdsOf(row);             // best first
 *     const fits = tracker.allowed(row, candidates);
 *     const id = candidates.find((_, k) => fits[k]); // none: the best of tracker.allowedIds(row), whose logits are wanted
 *     scored.push({ row, id, score: probabilityOf(row, id) });
 *   }
 *   for (const { row, id } of chosenOf(scored)) {    // in the order of their scores
 *     if (!tracker.isAllowed(row, id)) continue;     // ruled out by those before it: another step
 *     commit(row, id);
 *     tracker.commit(row, id);                       // before the next row is asked about
 *   }
 *   tracker.sync(canvas.ids);                        // after remasks and overwrites
 *
 *   // Or a whole block at once, the most probable filling (DINGO):
 *   const path = tracker.bestPath(block, rowChoices(stats));
 *   path.ids.forEach((id, i) => { if (id !== maskId) commit(block.start + i, id); });
 *   tracker.sync(canvas.ids);
 *
 * As long as only allowed ids are committed, one at a time, some id is allowed in every masked row, and when no mask is
 * left `tracker.isComplete()` holds. A tracker holds nothing that the canvas does not say: to resume, open a new one.
 *
 * Everything is bounded: automata by their states and by the work to build them, patterns by length and depth. What is
 * malformed, too large or impossible is an `UnmaskError` `invalid-options` that names the part of the constraint.
 */
export type { BestPath, RowChoices } from "./best-path.ts";
export {
  type CompiledConstraint,
  compileConstraint,
  vocabularyOf,
} from "./constraint.ts";
export { type Constraint, constraintSchema, parseConstraint } from "./input.ts";
export type { Vocabulary } from "./token-automaton.ts";
export { type ConstraintTracker, rowChoices } from "./tracker.ts";
