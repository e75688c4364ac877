// How the post is called and where it is, as moderators and feeds see it.

// In code points, as the service counts.
const LONGEST_TITLE = 200;

// The address that the page says, if that is of its own origin; else where it is.
const addressOf = (host) => {
  const here = location.origin + location.pathname;
  const said = host.postUrl ?? document.querySelector("link[rel=canonical]")?.href;
  try {
    const address = new URL(said ?? here, document.baseURI);
    return address.origin === location.origin ? address.href : here;
  } catch {
    return here;
  }
};

export const labelOf = (host) => {
  const title = [...(host.postTitle ?? document.title).trim()].slice(0, LONGEST_TITLE).join("");
  return { ...(title && { title }), url: addressOf(host) };
};
