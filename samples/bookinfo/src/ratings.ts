// ratings: the stars that reviewers gave, kept in memory.

import { type Call, HttpError, json, productId, type Reply, startService } from './service.ts';

type Ratings = Readonly<Record<string, number>>;

const firstRatings: Ratings = { Reviewer1: 5, Reviewer2: 4 };
const maxProducts = 1_000;
const maxReviewers = 100;
const ratingsById = new Map<number, Ratings>();

startService({
  name: 'ratings',
  version: process.env.SERVICE_VERSION || 'v1',
  routes: [
    { method: 'GET', path: '/ratings/:id', handle: read },
    { method: 'POST', path: '/ratings/:id', handle: write },
  ],
});

function read(call: Call): Reply {
  const id = productId(call);
  return json(200, { id, ratings: ratingsById.get(id) ?? firstRatings });
}

async function write(call: Call): Promise<Reply> {
  const id = productId(call);
  const ratings = parseRatings(await call.body());
  if (ratingsById.size >= maxProducts && !ratingsById.has(id)) {
    throw new HttpError(
      409,
      `Ratings are kept for at most ${maxProducts} products; restart the service to clear them.`,
    );
  }
  ratingsById.set(id, ratings);
  return json(200, { id, ratings });
}

function parseRatings(text: string): Ratings {
  const example = 'for example {"Reviewer1": 5, "Reviewer2": 4}';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpError(400, `The body is not JSON. Send an object of reviewers and stars, ${example}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, `The body must be an object of reviewers and stars, ${example}.`);
  }
  const entries = Object.entries(value);
  if (entries.length > maxReviewers) throw new HttpError(400, `A product takes at most ${maxReviewers} ratings.`);
  for (const [reviewer, stars] of entries) {
    if (!Number.isInteger(stars) || stars < 1 || stars > 5) {
      throw new HttpError(400, `The rating of ${JSON.stringify(reviewer)} must be a whole number from 1 to 5.`);
    }
  }
  return Object.fromEntries(entries);
}
