// reviews: what readers say about a book. v1 shows no stars, v2 black ones, v3 red ones.

import { type Call, json, numberFromEnv, productId, type Reply, startService } from './service.ts';
import { getJson, isRecord, propagatedHeaders, upstreamUrl } from './upstream.ts';

const version = process.env.SERVICE_VERSION || 'v1';
const ratingsEnabled = (process.env.ENABLE_RATINGS || String(version !== 'v1')) === 'true';
const starColor = process.env.STAR_COLOR || (version === 'v3' ? 'red' : 'black');
// v2 waits longer than productpage does: a slow ratings service then shows as missing reviews, the sample's built-in
// lesson about time limits that do not fit together. v3 has it right.
const ratingsTimeoutMs = numberFromEnv('RATINGS_TIMEOUT_MS', starColor === 'black' ? 10_000 : 2_500, 1, 600_000);
const ratingsUrl = upstreamUrl('RATINGS_URL', 'ratings');
const podName = process.env.POD_NAME || process.env.HOSTNAME || `reviews-${version}`;

const texts = [
  {
    reviewer: 'Reviewer1',
    text: 'Two sets of twins, one town and not a dull page. I laughed aloud on the train and missed my stop.',
  },
  {
    reviewer: 'Reviewer2',
    text: 'Light, quick and good fun. It has less depth than his later plays, but the mix-ups never let you go.',
  },
];

type Rating = { readonly stars: number; readonly color: string } | { readonly error: string };

startService({ name: 'reviews', version, routes: [{ method: 'GET', path: '/reviews/:id', handle: reviews }] });

async function reviews(call: Call): Promise<Reply> {
  const id = productId(call);
  const ratingOf = ratingsEnabled ? await fetchRatings(call, id) : () => undefined;
  return json(200, {
    id,
    podname: podName,
    clustername: process.env.CLUSTER_NAME || null,
    reviews: texts.map((review) => ({ ...review, rating: ratingOf(review.reviewer) })),
  });
}

/** Gives the rating for each reviewer: undefined for one who gave none, an error when ratings cannot be read. */
async function fetchRatings(call: Call, id: number): Promise<(reviewer: string) => Rating | undefined> {
  try {
    const { status, body } = await getJson(
      `${ratingsUrl}/ratings/${id}`,
      propagatedHeaders(call.req.headers),
      ratingsTimeoutMs,
    );
    if (status !== 200 || !isRecord(body) || !isRecord(body.ratings)) throw new Error(`status ${status}`);
    const ratings = body.ratings;
    return (reviewer) => {
      const stars = ratings[reviewer];
      return typeof stars === 'number' ? { stars, color: starColor } : undefined;
    };
  } catch (error) {
    console.error(`reviews ${version} cannot read ratings: ${error instanceof Error ? error.message : error}`);
    return () => ({ error: 'Ratings service is currently unavailable' });
  }
}
