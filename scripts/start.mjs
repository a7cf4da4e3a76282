import { ensureBuilt } from "./build-app.mjs";
import { ensureInstalled } from "./install.mjs";
import { serveFolder } from "./serve.mjs";

const port = Number(process.env["PORT"] ?? 4173);
try {
  ensureInstalled();
  ensureBuilt();
  await serveFolder({ folder: "dist-app", port });
  const address = `http://127.0.0.1:${port}/`;
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  console.log(`Unmask is at ${address}`);
} catch (error) {
  const busy = error?.code === "EADDRINUSE";
  console.error(busy ? `Port ${port} is in use. Choose another: PORT=${port + 1} npm start` : error.message);
  process.exit(1);
}
