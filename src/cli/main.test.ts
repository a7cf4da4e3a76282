import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream, existsSync, openSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../convert/convert.ts";
import { nodeTarget } from "../convert/target/node-target.ts";
import { ERROR_CODES, type UnmaskErrorCode } from "../core/errors.ts";
import type { Command, OptionValues } from "./command.ts";
import { doctorCommand } from "./doctor/doctor.ts";
import { evalCommand } from "./eval.ts";
import { generateCommand } from "./generate/generate.ts";
import { QUIET_IO } from "./io/quiet-io.ts";

/** The command as a process: what stands on stdout and stderr and how it exits, above all when it is misused. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TSX = join(ROOT, "node_modules/tsx/dist/esm/index.mjs");
const CHECKPOINT = join(ROOT, "src/convert/fixtures/a2d-qwen3-mdlm");
const GOLDENS = join(ROOT, "src/strategies/golden/fixtures");

let scratch = "";
let bundle = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-cli-"));
  bundle = join(scratch, "bundle");
  await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(bundle), {
    dtypes: ["q4"],
    name: "tiny",
    warn: () => {},
    progress: () => {},
  });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], stdout: "pipe" | number = "pipe"): ChildProcess {
  return spawn(process.execPath, ["--import", TSX, join(ROOT, "src/cli/main.ts"), ...args], {
    cwd: scratch,
    stdio: ["ignore", stdout, "pipe"],
  });
}

function ended(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (part: Buffer) => {
    stdout += part.toString();
  });
  child.stderr?.on("data", (part: Buffer) => {
    stderr += part.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

const unmask = (...args: string[]): Promise<Ended> => ended(start(args));

/** Nothing on stdout, one error line on stderr, the exit code that goes with it. */
function expectError(result: Ended, code: UnmaskErrorCode, exit = 1): void {
  expect(ERROR_CODES).toContain(code);
  expect(result.stdout).toBe("");
  expect(result.stderr).toMatch(new RegExp(`^(warning\\[[a-z-]+\\]: .*\\n)*error\\[${code}\\]: .+\\n$`));
  expect(result.code).toBe(exit);
}

test("no command, an unknown one, an unknown option: exit 2", async () => {
  const results = await Promise.all([
    unmask(),
    unmask("--json"),
    unmask("genrate", "--json"),
    unmask("generate", "--nosuch"),
    unmask("doctor", "extra"),
    unmask("eval", "extra"),
    unmask("convert", CHECKPOINT, "--out", ""),
    unmask("generate", "--model", "", "--prompt", "a"),
  ]);
  for (const [index, result] of results.entries()) {
    expectError(result, index === 2 ? "unknown-command" : "usage", 2);
  }
  expect(results[2]!.stderr).toContain('"generate"');
});

test("help is one JSON document with --json, wherever it is asked for", async () => {
  const asked = [["help"], ["help", "help"], ["help", "recipe"], ["--help"], ["generate", "--help"]];
  for (const { code, stdout, stderr } of await Promise.all(asked.map((args) => unmask(...args, "--json")))) {
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, warnings: [] });
    expect(stdout.split("\n")).toHaveLength(2);
    expect([code, stderr]).toEqual([0, ""]);
  }
});

test("a generation prints one document, takes a prompt that begins with a dash and leaves one trace file", async () => {
  const folder = join(scratch, "traces");
  await mkdir(folder);
  const trace = join(folder, "a.unmask.json");
  const common = ["--model", bundle, "--max-new-tokens", "4", "--threads", "1"];
  const { code, stdout } = await unmask("generate", ...common, "--prompt", "-a", "--trace", trace, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, nfe: 4, backend: "wasm" });
  expect(JSON.parse(await readFile(trace, "utf8"))).toMatchObject({ schema: 1, prompt: { text: "-a" } });
  expect(await readdir(folder)).toEqual(["a.unmask.json"]);
});

test("a recipe blends a draft into the masks, by a share that makes sense", async () => {
  const common = [
    "generate",
    "--model",
    bundle,
    "--max-new-tokens",
    "8",
    "--threads",
    "1",
    "--prompt",
    "a b",
  ];
  const write = (blend: number) => {
    const recipe = { preset: "fast-dllm", init: { draft: "b a b a", blend } };
    return unmask(...common, "--recipe", JSON.stringify(recipe), "--json");
  };
  const [written, refused] = await Promise.all([write(0.5), write(2)]);
  expect(written.code).toBe(0);
  expect(JSON.parse(written.stdout)).toMatchObject({
    ok: true,
    recipe: { preset: "fast-dllm", init: { draft: "b a b a", blend: 0.5 } },
  });
  expectError(refused, "invalid-options");
});

test("a converted chat model answers a message; what belongs to a chat needs one", async () => {
  const common = ["generate", "--model", bundle, "--max-new-tokens", "4", "--threads", "1", "--json"];
  const chat = await unmask(...common, "--prompt", "Hi", "--chat", "--system", "Be brief.");
  expect(JSON.parse(chat.stdout)).toMatchObject({ ok: true, tokens: expect.any(Array) });
  expectError(await unmask(...common, "--prompt", "Hi", "--system", "Be brief."), "usage", 2);
});

test("a template of the caller is run, and what it refuses is said", async () => {
  const written = [
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
    "{{ raise_exception('no') }}",
  ];
  const files = written.map((_, i) => join(scratch, `${i}.jinja`));
  await Promise.all(files.map((file, i) => writeFile(file, written[i]!)));
  const common = ["generate", "--model", bundle, "--max-new-tokens", "4", "--threads", "1", "--json"];
  const [good, bad] = await Promise.all(
    files.map((file) => unmask(...common, "--prompt", "Hi", "--chat", "--chat-template", file)),
  );
  expect(JSON.parse(good!.stdout)).toMatchObject({ ok: true });
  expectError(bad!, "invalid-options");
});

test("bad options are named before the model is opened or by the engine", async () => {
  const common = { model: bundle, prompt: "a" };
  const bad: readonly (readonly [UnmaskErrorCode, Command, OptionValues])[] = [
    ["invalid-options", generateCommand, { ...common, "max-new-tokens": "-5" }],
    ["invalid-options", generateCommand, { ...common, seed: "0x10" }],
    ["invalid-options", generateCommand, { ...common, backend: "cuda" }],
    ["backend-unavailable", generateCommand, { ...common, backend: "webgpu" }],
    ["invalid-options", generateCommand, { ...common, recipe: "[]" }],
    ["write-failed", generateCommand, { ...common, trace: join(scratch, "missing/a.json") }],
    ["write-failed", generateCommand, { ...common, trace: scratch }],
    ["write-failed", generateCommand, { ...common, trace: "/dev/null" }],
    ["not-found", generateCommand, { ...common, recipe: "missing.json" }],
    ["not-found", generateCommand, { ...common, model: "http://" }],
    ["invalid-options", evalCommand, { limit: "-1" }],
    ["invalid-options", evalCommand, { tasks: "adding" }],
    ["not-found", doctorCommand, { model: join(scratch, "missing") }],
  ];
  for (const [code, command, values] of bad) {
    const given = `${command.name} ${JSON.stringify(values)}`;
    await expect(command.run([], values, QUIET_IO), given).rejects.toMatchObject({ code });
  }
  const left = (await readdir(tmpdir())).filter((name) => name.startsWith(`${basename(scratch)}.`));
  expect([...left, ...(await readdir(scratch)).filter((name) => name.includes(".partial"))]).toEqual([]);
});

test("so they are by the process", async () => {
  const generate = (...more: string[]) => unmask("generate", "--model", bundle, "--json", ...more);
  expectError(await generate("--prompt", "a", "--max-new-tokens", "-5"), "invalid-options");
  expectError(await generate("--prompt", "a", "--trace", scratch), "write-failed");
});

test("files that are folders, devices or damaged have codes of their own", async () => {
  const damaged = async (name: string, damage: (folder: string) => Promise<unknown>) => {
    const folder = join(scratch, name);
    await cp(bundle, folder, { recursive: true });
    await damage(folder);
    return unmask("inspect", folder, "--json");
  };
  const bad: readonly (readonly [UnmaskErrorCode, Promise<Ended>])[] = [
    [
      "download-failed",
      damaged("folder", async (folder) => {
        await rm(join(folder, "unmask.json"));
        await mkdir(join(folder, "unmask.json"));
      }),
    ],
    ["manifest-invalid", damaged("empty", (folder) => truncate(join(folder, "unmask.json"), 0))],
    ["file-truncated", damaged("short", (folder) => truncate(join(folder, "onnx/model_q4.onnx_data"), 9))],
    ["not-found", unmask("inspect", join(ROOT, "package.json"), "--json")],
    ["not-found", unmask("replay", scratch, "--json")],
    ["golden-invalid", unmask("replay", "/dev/zero", "--json")],
    ["not-found", unmask("verify", join(ROOT, "package.json"), "--json")],
  ];
  for (const [code, result] of bad) expectError(await result, code);
});

test("verify goes on behind a broken case and fails it by name", async () => {
  const cases = join(scratch, "cases");
  const outlier = join(ROOT, "src/convert/fixtures/a2d-qwen3-outlier");
  for (const name of ["good", "short", "bare"]) await cp(outlier, join(cases, name), { recursive: true });
  await truncate(join(cases, "short/model.safetensors"), 5000);
  await rm(join(cases, "bare/config.json"));
  const { code, stdout, stderr } = await unmask("verify", cases, "--json");
  const document = JSON.parse(stdout) as {
    ok: boolean;
    pass: boolean;
    cases: { name: string; pass: boolean }[];
  };
  expect(document).toMatchObject({ ok: false, pass: false });
  expect(document.cases).toContainEqual(
    expect.objectContaining({ name: "short", pass: false, error: "checkpoint-invalid" }),
  );
  expect(document.cases).toContainEqual(expect.objectContaining({ name: "bare", pass: false }));
  expect(document.cases.filter(({ name }) => name.startsWith("good/")).every(({ pass }) => pass)).toBe(true);
  expect([code, stderr]).toEqual([1, ""]);
});

test("a reader that goes away ends the command quietly; a full disk is an error", async () => {
  const child = start(["replay", ...Array.from({ length: 40 }, () => join(GOLDENS, "llada.json"))]);
  child.stdout?.destroy();
  expect(await ended(child)).toEqual({ code: 0, stdout: "", stderr: "" });
  if (!existsSync("/dev/full")) return;
  expectError(await ended(start(["help", "recipe", "--json"], openSync("/dev/full", "w"))), "write-failed");
});

/** Serves the bundle, but never finishes the file whose path ends with `stuck`. */
async function stuckServer(stuck: string): Promise<{ server: Server; url: string; reached: Promise<void> }> {
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const server = createServer((request, response) => {
    if (request.url?.endsWith(stuck) !== true) createReadStream(join(bundle, request.url!)).pipe(response);
    else {
      response.writeHead(200, { "Content-Length": 1000 });
      response.write("x");
      reach();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, reached };
}

test("SIGINT and SIGTERM end a command with 130 and 143 and one line", async () => {
  for (const [signal, exit] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const { server, url, reached } = await stuckServer("tokenizer.json");
    const child = start(["generate", "--model", url, "--prompt", "a", "--json"]);
    const result = ended(child);
    await reached;
    child.kill(signal);
    expectError(await result, "aborted", exit);
    server.closeAllConnections();
    server.close();
  }
});

test("an existing folder that is not a bundle is left alone, and a stopped conversion leaves nothing", async () => {
  const taken = join(scratch, "taken");
  await mkdir(taken);
  await writeFile(join(taken, "mine.txt"), "");
  expectError(await unmask("convert", CHECKPOINT, "--out", taken, "--json"), "write-failed");
  expectError(await unmask("convert", CHECKPOINT, "--out", ".", "--json"), "write-failed");
  expectError(
    await unmask("convert", CHECKPOINT, "--out", join(taken, "mine.txt/x"), "--json"),
    "write-failed",
  );
  const { convertCommand } = await import("./convert.ts");
  const stop = new AbortController();
  const io = {
    json: true,
    interactive: false,
    signal: stop.signal,
    print: () => {},
    status: (text: string) => {
      if (text.startsWith("golden")) stop.abort();
    },
    warn: () => {},
  };
  const out = join(scratch, "stopped");
  await expect(convertCommand.run([CHECKPOINT], { out, dtype: "q4" }, io)).rejects.toMatchObject({
    code: "aborted",
  });
  expect((await readdir(scratch)).filter((name) => name.includes("stopped"))).toEqual([]);
});
