import fc from "fast-check";

// The same cases in every run, so that nothing fails by chance; `FC_SEED=$RANDOM npx vitest run` looks at others.
fc.configureGlobal({ seed: Number(process.env["FC_SEED"] ?? 20_250_101) });
