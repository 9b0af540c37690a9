import type { ImageProvider } from '../../providers/image/image-provider.ts';

/** Where images of containers come from, and commits go to, beside registries. */
export interface ImageService {
	readonly provider: ImageProvider;
	readonly options: ImageServiceOptions;
}

/** Times in ms. */
export interface ImageServiceOptions {
	/** Images that are uploaded at the same time; of one project, those that may be on their way or wait. */
	readonly uploadsAtOnce: number;
	readonly projectUploads: number;
	/** First and longest pause after a failure that may pass. */
	readonly firstRetry: number;
	readonly longestRetry: number;
	/** How long an upload is tried, and limit of one try. */
	readonly uploadDeadline: number;
	/** Between two looks for images on hosts that no container needs, and how long they are left there. */
	readonly sweepInterval: number;
	readonly unusedAfter: number;
}

export const defaultImageServiceOptions: ImageServiceOptions = {
	uploadsAtOnce: 4,
	projectUploads: 10,
	firstRetry: 1_000,
	longestRetry: 60_000,
	uploadDeadline: 3_600_000,
	sweepInterval: 600_000,
	unusedAfter: 3_600_000,
};
