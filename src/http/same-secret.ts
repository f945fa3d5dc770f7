import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares digests, which are of one length, in constant time: the time tells nothing of the secret. */
export const isSameSecret = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
