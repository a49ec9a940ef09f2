// The HTML of productpage. Everything that comes from elsewhere goes through escapeHtml().

import { pageStyle } from './page-style.ts';
import { isRecord } from './upstream.ts';

/** What another service gave for the page, or the sentence to show in its place. */
export type Section =
  | { readonly status: 200; readonly content: Readonly<Record<string, unknown>> }
  | { readonly status: number; readonly error: string };

export interface ProductPage {
  readonly product: { readonly title: string; readonly description: string };
  readonly details: Section;
  readonly reviews: Section;
  readonly user: string | undefined;
  readonly podName: string;
}

const maxStars = 5;
const starColors: Readonly<Record<string, string>> = { black: '#1b2733', red: '#d3222f' };

export const favicon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#1f6fa8" d="M16 8C13 5 8 4 3 5v20c5-1 10 0 13 ' +
  '3 3-3 8-4 13-3V5c-5-1-10 0-13 3z"/><path fill="none" stroke="#e8f4fc" stroke-width="2" d="M16 8v20"/></svg>';

// Two faces that are hard to tell apart, for the cover.
const maskPath = 'M3 4c7 2 15 2 22 0 2 13-1 24-11 27C4 28 1 17 3 4z';
const maskFace = 'M7 12q2-2 4 0M17 12q2-2 4 0M8 19q6 6 12 0';
const twinMasks = `<svg viewBox="0 0 54 40">
<g transform="translate(1 3) rotate(-7 14 17)"><path d="${maskPath}"/><path d="${maskFace}"/></g>
<g transform="translate(25 3) rotate(7 14 17)"><path class="front" d="${maskPath}"/><path d="${maskFace}"/></g></svg>`;

export function productPage({ product, details, reviews, user, podName }: ProductPage): string {
  const author = 'error' in details ? '' : escapeHtml(details.content.author);
  const body = `<main>
<section class="hero">
<div class="cover" aria-hidden="true"><b>${escapeHtml(product.title)}</b>${twinMasks}<span>${author}</span></div>
<div>
<h1>${escapeHtml(product.title)}</h1>
${author && `<p class="author">by ${author}</p>`}
<p class="summary">${escapeHtml(product.description)}</p>
</div>
</section>
<div class="columns">
<section class="card" id="details"><h2>Book Details</h2>
${'error' in details ? errorBox('Error fetching product details!', details.error) : detailsTable(details.content)}
</section>
<section class="card" id="reviews"><h2>Book Reviews</h2>
${'error' in reviews ? errorBox('Error fetching product reviews!', reviews.error) : reviewList(reviews.content)}
</section>
</div>
</main>
<footer>Page served by: <u>${escapeHtml(podName)}</u></footer>`;
  return layout(user, body);
}

export function indexPage(user: string | undefined): string {
  return layout(
    user,
    `<main class="narrow"><section class="card"><h1>Hello!</h1>
<p>This is a small bookshop made of four services, each of them a program of its own: <b>productpage</b> builds what
you see from <b>details</b>, <b>reviews</b> (three versions) and <b>ratings</b>. Reload the product page to see which
version of reviews answers.</p>
<p class="links"><a class="button" href="/productpage?u=normal">Normal user</a>
<a class="button quiet" href="/productpage?u=test">Test user</a></p></section></main>`,
  );
}

export function errorPage(status: number, message: string): string {
  return layout(
    undefined,
    `<main class="narrow"><section class="card">${errorBox(`Error ${status}`, message)}
<p class="links"><a class="button" href="/productpage">Back to the book</a></p></section></main>`,
    false,
  );
}

function layout(user: string | undefined, body: string, withAccount = true): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simple Bookstore App</title>
<link rel="icon" type="image/svg+xml" href="/static/favicon.svg">
<style>${pageStyle}</style>
</head>
<body>
<header><a class="brand" href="/">${favicon}BookInfo Sample</a>${withAccount ? account(user) : ''}</header>
${body}
</body>
</html>
`;
}

function account(user: string | undefined): string {
  if (user !== undefined) {
    const initial = escapeHtml([...user][0]?.toUpperCase());
    return `<div class="account"><span class="avatar" aria-hidden="true">${initial}</span>
<span class="user">${escapeHtml(user)}</span> <a href="/logout">(sign out)</a></div>`;
  }
  return `<button class="button" type="button" popovertarget="sign-in">Sign in</button>
<form id="sign-in" popover method="post" action="/login">
<h2>Please sign in</h2>
<label>User name <input name="username" required maxlength="64" autocomplete="username" autofocus></label>
<label>Password <input name="passwd" type="password" autocomplete="current-password" placeholder="not needed"></label>
<p><button class="button quiet" type="button" popovertarget="sign-in" popovertargetaction="hide">Cancel</button>
<button class="button" type="submit">Sign in</button></p>
</form>`;
}

function detailsTable(details: Readonly<Record<string, unknown>>): string {
  const rows: [string, unknown][] = [
    ['Type', details.type],
    ['Pages', details.pages],
    ['Year', details.year],
    ['Publisher', details.publisher],
    ['Language', details.language],
    ['ISBN-10', details['ISBN-10']],
    ['ISBN-13', details['ISBN-13']],
  ];
  const shown = rows.filter(([, value]) => value !== undefined && value !== null);
  return `<dl>${shown.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`).join('')}</dl>`;
}

function reviewList(content: Readonly<Record<string, unknown>>): string {
  const reviews = Array.isArray(content.reviews) ? content.reviews.filter(isRecord) : [];
  const cluster = content.clustername ? ` on cluster <u>${escapeHtml(content.clustername)}</u>` : '';
  const items = reviews.map(
    (review) => `<figure><blockquote>${escapeHtml(review.text)}</blockquote>
<figcaption><cite>${escapeHtml(review.reviewer)}</cite>${ratingMark(review.rating)}</figcaption></figure>`,
  );
  return `${items.join('\n')}
<p class="served">Reviews served by: <u>${escapeHtml(content.podname)}</u>${cluster}</p>`;
}

function ratingMark(rating: unknown): string {
  if (!isRecord(rating)) return '';
  if (typeof rating.error === 'string') return `<span class="no-rating">${escapeHtml(rating.error)}</span>`;
  if (typeof rating.stars !== 'number') return '';
  const stars = Math.max(0, Math.min(maxStars, Math.round(rating.stars)));
  const name = String(rating.color);
  const color = starColors[name] ?? (/^[a-z]{1,20}$/.test(name) ? name : 'black');
  const glyphs = `${'★'.repeat(stars)}<span>${'☆'.repeat(maxStars - stars)}</span>`;
  return `<span class="stars" data-color="${escapeHtml(name)}" style="color:${color}" role="img" aria-label="${stars} of ${maxStars} stars">${glyphs}</span>`;
}

function errorBox(title: string, text: string): string {
  return `<div class="error" role="alert"><h3>${escapeHtml(title)}</h3><p>${escapeHtml(text)}</p></div>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(value: unknown): string {
  return String(value ?? '').replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
