/**
 * How much of the window can be seen. On some telephones the on-screen keyboard covers the window
 * without making it smaller (iOS); the screen of a chat then takes the part above the keyboard.
 */

/** Somebody who has zoomed in by hand looks at a part of the page on purpose. */
const ZOOMED = 1.01;

/** Keeps `--seen-height` and `--seen-top` of the page true. */
export function followViewport() {
  const seen = globalThis.visualViewport;
  if (!seen) return;
  const follow = () => {
    const { style } = document.documentElement;
    if (seen.scale > ZOOMED) return;
    style.setProperty('--seen-height', `${seen.height}px`);
    style.setProperty('--seen-top', `${seen.offsetTop}px`);
  };
  seen.addEventListener('resize', follow);
  seen.addEventListener('scroll', follow);
  follow();
}
