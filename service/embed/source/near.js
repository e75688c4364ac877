// Calls `then` once, when an element is as near to the screen as `margin`; not after the signal.

export const whenNear = (element, rootMargin, signal, then) => {
  const look = (entries) => {
    if (!entries.at(-1).isIntersecting) return;
    eye.disconnect();
    then();
  };
  const eye = new IntersectionObserver(look, { rootMargin });
  eye.observe(element);
  signal.addEventListener("abort", () => eye.disconnect());
};
