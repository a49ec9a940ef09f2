// details: the facts about a book.

import { json, productId, startService } from './service.ts';

startService({
  name: 'details',
  version: process.env.SERVICE_VERSION || 'v1',
  routes: [{ method: 'GET', path: '/details/:id', handle: (call) => json(200, bookDetails(productId(call))) }],
});

// The sample sells one book; every id stands for it.
function bookDetails(id: number) {
  return {
    id,
    author: 'William Shakespeare',
    year: 1595,
    type: 'paperback',
    pages: 200,
    publisher: 'PublisherA',
    language: 'English',
    'ISBN-10': '1234567890',
    'ISBN-13': '123-1234567890',
  };
}
