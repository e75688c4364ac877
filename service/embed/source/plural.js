// Which form of a sentence goes with a number, by the rules of the language.

export const plural = (language, n, find) => {
  const rule = new Intl.PluralRules(language).select(n);
  const sentence = (n === 0 && find("zero")) || find(rule) || find("other");
  return sentence.replace("{count}", new Intl.NumberFormat(language).format(n));
};
