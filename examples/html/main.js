import "unmask/element/define";

const form = document.querySelector("form");
const sheet = document.querySelector("unmask-text");
const figures = document.querySelector("#figures");
const output = document.querySelector("output");

form.elements.beginning.addEventListener("input", ({ target }) => {
  sheet.prompt = target.value;
});
sheet.addEventListener("unmask-step", ({ detail }) => {
  figures.textContent = `step ${detail.step}, ${detail.masksLeft} masks left`;
});
sheet.addEventListener("unmask-done", ({ detail }) => {
  figures.textContent = `${detail.effectiveTokens} tokens in ${detail.steps} steps`;
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  output.textContent = `Sent: ${new FormData(form).get("story")}`;
});
