import { command } from './figures/command.ts';
import { creation } from './figures/creation.ts';
import { ownShare } from './figures/own-share.ts';
import { placement } from './figures/placement.ts';
import { requests } from './figures/requests.ts';
import { scale } from './figures/scale.ts';
import type { Measurement } from './support/figure.ts';

/** In the order in which they are taken and shown. */
export const measurements: readonly Measurement[] = [creation, ownShare, scale, requests, placement, command];
