import { expect, test } from "vitest";
import { createStream } from "./stream.ts";

test("values arrive in order, then the end", async () => {
  const stream = createStream<number>(() => {});
  stream.push(1);
  setTimeout(() => {
    stream.push(2);
    stream.end();
    stream.push(3);
  });
  const seen: number[] = [];
  for await (const value of stream) seen.push(value);
  expect(seen).toEqual([1, 2]);
});

test("an error comes after the values before it", async () => {
  const stream = createStream<number>(() => {});
  stream.push(1);
  stream.end(new Error("late"));
  const seen: number[] = [];
  await expect(async () => {
    for await (const value of stream) seen.push(value);
  }).rejects.toThrow("late");
  expect(seen).toEqual([1]);
});

test("leaving early tells the writer once", async () => {
  let left = 0;
  const stream = createStream<number>(() => left++);
  stream.push(1);
  stream.push(2);
  for await (const value of stream) {
    expect(value).toBe(1);
    break;
  }
  expect(left).toBe(1);
});
