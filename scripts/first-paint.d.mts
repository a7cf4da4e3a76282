import type { Plugin } from "vite";
export function firstPaint(options: { recording: string; fonts: readonly string[] }): Plugin;
