/** Browsers with `light-dark()`, which the colours are written in; older ones would get twice the rules. */
export const CSS_TARGET = ["chrome123", "firefox120", "safari17.5"];
