/** The words of the page's language; `locale.py` says the same. The page names the language, this loads its texts. */

export const LOCALE = document.documentElement.lang === "pl" ? "pl" : "en";
/** @type {Record<string, string>} */
const WORDS = (await import(`./words/${LOCALE}.js`)).default;
const RULES = new Intl.PluralRules(LOCALE);
const NUMBERS = new Intl.NumberFormat(LOCALE === "pl" ? "pl-PL" : "en-GB");

/** A number of at most three decimals with the groups and the decimal sign of the language. @param {number} value */
export function number(value) {
  return NUMBERS.format(value);
}

/** The text of a key with its holes filled. @param {string} key @param {Record<string, string | number>} [values] */
export function t(key, values = {}) {
  const category = RULES.select(Number(values.count ?? 0));
  const text = WORDS[key] ?? WORDS[`${key}.${category}`] ?? WORDS[`${key}.other`] ?? key;
  return text.replace(/\{(\w+)\}/g, (hole, name) => (name in values ? written(values[name]) : hole));
}

/** @param {string | number} value */
const written = (value) => (typeof value === "number" ? number(value) : value);
