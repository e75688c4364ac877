// Where the service is. `.../embed/v1/embed.js`, `.../embed/v1/{pin}/embed.js` and `.../embed.js` lie in it; an own copy
// of the script does not, and its elements say `service`.

export const HERE = import.meta.url;
export const SERVED = /^(.*?\/)embed(?:\/v1(?:\/[0-9a-f]{16})?\/(?:embed|count))?\.js/.exec(HERE);

export const serviceOf = (element) => {
  const service = new URL(element.getAttribute("service") || SERVED?.[1] || ".", document.baseURI).href;
  return service.endsWith("/") ? service : `${service}/`;
};

export const languageOf = (element) => {
  const asked = element.closest("[lang]")?.lang || "en";
  try {
    return Intl.getCanonicalLocales(asked)[0];
  } catch {
    return "en";
  }
};
