import { register } from "tsx/esm/api";

// The thread that runs chat templates, from the checkout: threads do not inherit what translates TypeScript.
register();
await import("../src/runtime/template/template-thread.ts");
