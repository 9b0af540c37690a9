import { requests } from './figures/requests.ts';
import type { Measurement } from './support/figure.ts';

/** In the order in which they are taken and shown. */
export const measurements: readonly Measurement[] = [requests];
