import { createHash } from 'node:crypto';
import { DriverError, type ImageDriver, type ImageState } from '../../drivers/driver.ts';
import { failPoint } from '../../faults/fail-point.ts';
import type { ImagePullPolicy, PullProgress } from '../../model/container.ts';
import type { ImageSource } from '../../model/image-source.ts';
import type { RegistryAuth } from '../../model/spec.ts';
import { Limiter } from '../run/limiter.ts';
import type { ArchiveLoader } from './archive-loader.ts';

export interface ImageWish {
	readonly reference: string;
	readonly policy: ImagePullPolicy;
	readonly auth: RegistryAuth | null;
	/** The archive that it is made of, instead of being pulled. */
	readonly source: ImageSource | null;
	/** Who wants it: one project leaves room for the others. */
	readonly projectId: string;
	readonly onProgress: (progress: PullProgress) => void;
}

export interface EnsuredImage {
	readonly image: ImageState;
	/** false = it was on the host. */
	readonly pulled: boolean;
}

interface Pull {
	readonly result: Promise<ImageState>;
	readonly abort: AbortController;
	/** Those who wait for it; it is given up when the last of them goes. */
	readonly waiters: Set<ImageWish>;
}

/**
 * Brings images to the host, outside the lanes of the sandboxes that wait for them. One reference is pulled once at a
 * time, however many wait for it; pulls with different credentials are different pulls, so that nobody gets an image
 * by another's right to it.
 */
export class PullManager {
	readonly #images: ImageDriver;
	readonly #archives: ArchiveLoader;
	readonly #limiter: Limiter;
	readonly #pulls = new Map<string, Pull>();

	constructor(images: ImageDriver, archives: ArchiveLoader, maxPulls: number) {
		this.#images = images;
		this.#archives = archives;
		this.#limiter = new Limiter(maxPulls, Math.ceil(maxPulls / 2));
	}

	/** Ends with the image on the host. Fails with a DriverError; `image-not-found` also where the policy forbids to pull. */
	async ensure(wish: ImageWish, signal: AbortSignal): Promise<EnsuredImage> {
		if (wish.policy !== 'always') {
			const present = await this.#images.inspect(wish.reference, signal);
			if (present !== null) return { image: present, pulled: false };
			if (wish.policy === 'never') {
				throw new DriverError('image-not-found', `Image ${wish.reference} is not on the host, and its pull policy is never.`);
			}
		}
		return { image: await this.#join(wish, signal), pulled: true };
	}

	async #join(wish: ImageWish, signal: AbortSignal): Promise<ImageState> {
		signal.throwIfAborted();
		const key = pullKey(wish);
		const pull = this.#pulls.get(key) ?? this.#begin(key, wish);
		pull.waiters.add(wish);
		const aborted = Promise.withResolvers<never>();
		const abort = (): void => aborted.reject(signal.reason);
		signal.addEventListener('abort', abort, { once: true });
		try {
			return await Promise.race([pull.result, aborted.promise]);
		} finally {
			signal.removeEventListener('abort', abort);
			pull.waiters.delete(wish);
			if (pull.waiters.size === 0) {
				if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
				pull.abort.abort(new DOMException('nobody waits for the image any more', 'AbortError'));
			}
		}
	}

	#begin(key: string, wish: ImageWish): Pull {
		const abort = new AbortController();
		const waiters = new Set<ImageWish>();
		const onProgress = (progress: PullProgress): void => {
			for (const waiter of waiters) waiter.onProgress(progress);
		};
		const request = { reference: wish.reference, auth: wish.auth, onProgress };
		const result = this.#limiter.run(
			() => {
				failPoint('agent.pull.before');
				const { reference, source } = wish;
				if (source === null) return this.#images.pull(request, abort.signal);
				return this.#archives.load({ reference, source, onProgress }, abort.signal);
			},
			abort.signal,
			wish.projectId,
		);
		const pull: Pull = { result, abort, waiters };
		this.#pulls.set(key, pull);
		const forget = (): void => {
			if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
		};
		result.then(forget, forget);
		return pull;
	}
}

function pullKey({ reference, auth }: ImageWish): string {
	if (auth === null) return reference;
	const secret = createHash('sha256')
		.update(JSON.stringify([auth.domain, auth.username, auth.password]))
		.digest('hex');
	return `${reference} ${secret}`;
}
