// Which form of a sentence goes with a number, by the rules of the language.

// `own` finds the forms in that language, `english` those that there are in any case.
export const plural = (language, n, own, english) => {
  const rule = (spoken) => new Intl.PluralRules(spoken).select(n);
  const none = n === 0 && (own("zero") || english("zero"));
  const sentence = none || own(rule(language)) || own("other") || english(rule("en"));
  return sentence.replace("{count}", new Intl.NumberFormat(language).format(n));
};
