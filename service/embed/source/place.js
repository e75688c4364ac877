// Where the service is. `.../embed/v1/embed.js`, `.../embed/v1/{pin}/embed.js` and `.../embed.js` lie in it; an own copy
// of the script does not, and its elements say `service`.

const HERE = import.meta.url;
const SERVED = /^(.*?\/)embed(?:\/v1(?:\/[0-9a-f]{16})?\/(?:embed|count))?\.js/.exec(HERE);

export const serviceOf = (element) => {
  const service = new URL(element.getAttribute("service") || SERVED?.[1] || ".", document.baseURI).href;
  return service.endsWith("/") ? service : `${service}/`;
};

// The files beside the script; the short address has none beside it.
export const fileAt = (name, service) =>
  new URL(HERE.startsWith(`${service}embed.js`) ? `embed/v1/${name}` : name, HERE).href;

// Whether the page asked for these very bytes: then the words must fit them, too.
export const PINNED = !/\/embed(\/v1\/(embed|count))?\.js/.test(HERE) || !SERVED;

export const languageOf = (element) => {
  const asked = element.closest("[lang]")?.lang || "en";
  try {
    return Intl.getCanonicalLocales(asked)[0];
  } catch {
    return "en";
  }
};
