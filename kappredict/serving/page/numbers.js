// Probabilities as so many of a hundred: whole numbers, or one decimal where asked for.

let decimals = 0;
export const setDecimals = (count) => {
  decimals = count;
};

export const share = (value) => (100 * value).toFixed(decimals);
export const within = (interval) => `${share(interval.low)} to ${share(interval.high)}`;
// What is left of 100, of the number as it is shown, so that the two always add up.
export const rest = (value) => (100 - Number(share(value))).toFixed(decimals);
export const signed = (value) => `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(decimals)}`;
