import type { Readable } from 'node:stream';
import { fail, type ZunboxError } from '../../model/errors.ts';
import { TarCheck } from '../../model/tar-check.ts';
import { TarError } from '../../model/tar-header.ts';
import { type ArchiveText, Base64Text, PlainText } from './archive-text.ts';
import { PutBody } from './put-body.ts';
import { Spool } from './spool.ts';

export interface ReceiveOptions {
	/** Whether the archive comes as base64. */
	readonly base64: boolean;
	/** Largest archive, in bytes. */
	readonly limit: number;
	/** ms after which a client that sends nothing is given up. */
	readonly patience: number;
	/** Where large archives wait until they are whole. */
	readonly directory: string;
}

export interface PutArchive {
	/** undefined = the body has none. */
	readonly path: string | undefined;
	/** False = the body has no archive. */
	readonly hasData: boolean;
	/** The archive: whole, and looked at. Each call gives it anew. */
	readonly tar: () => AsyncIterable<Uint8Array>;
	/** Must be called at the end, whatever comes. */
	readonly close: () => Promise<void>;
}

/** Bytes that a body may have: four for three, or six for one where each byte is an escape; and its other members. */
function largestBody({ base64, limit }: Pick<ReceiveOptions, 'base64' | 'limit'>): number {
	return (base64 ? Math.ceil((limit * 4) / 3) : limit * 6) + 128 * 1024;
}

/**
 * Reads the body of put_archive to its end, with little memory whatever its size. Nothing is given to a host before all
 * of the archive has come and is known to be one: a client that breaks off, bad base64 and a bad tar leave the container
 * as it was, the place in the container may be told after the archive, and a slow client occupies nothing of the host.
 * The price is room on the service's disk for as long as the request runs, which the number of requests at once bounds.
 * Throws `payload-too-large`, `request-timeout`, or what is wrong with the body.
 */
export async function receivePut(body: Readable, declared: number | null, options: ReceiveOptions): Promise<PutArchive> {
	const most = largestBody(options);
	if (declared !== null && declared > most) throw tooLarge(options.limit);
	const reader = new PutBody();
	const archive = new Incoming(options);
	try {
		let size = 0;
		for await (const piece of inTime(body, options.patience)) {
			size += piece.length;
			if (size > most) throw tooLarge(options.limit);
			await archive.push(reader.push(piece));
		}
		reader.end();
		await archive.end();
		return { path: reader.path, hasData: reader.hasData, tar: () => archive.tar(), close: () => archive.close() };
	} catch (error) {
		await archive.close();
		throw error instanceof TarError ? fail('invalid', error.message) : error;
	}
}

/** An archive on its way to the spool. */
class Incoming {
	readonly #options: ReceiveOptions;
	readonly #spool: Spool;
	readonly #plain: PlainText | null;
	readonly #text: ArchiveText;
	readonly #check = new TarCheck();
	#size = 0;

	constructor(options: ReceiveOptions) {
		this.#options = options;
		this.#spool = new Spool(options.directory);
		this.#plain = options.base64 ? null : new PlainText();
		this.#text = this.#plain ?? new Base64Text();
	}

	async push(text: Uint8Array): Promise<void> {
		if (text.length > 0) await this.#keep(this.#text.push(text));
	}

	async end(): Promise<void> {
		await this.#keep(this.#text.end());
		// Only now it is known what the plain form stands for.
		if (this.#plain !== null) for await (const bytes of this.tar()) this.#check.push(bytes);
		this.#check.end();
	}

	tar(): AsyncIterable<Uint8Array> {
		return this.#plain === null ? this.#spool.read() : this.#plain.bytes(this.#spool.read());
	}

	close(): Promise<void> {
		return this.#spool.close();
	}

	async #keep(bytes: Uint8Array): Promise<void> {
		if (bytes.length === 0) return;
		this.#size += bytes.length;
		if ((this.#plain?.size ?? this.#size) > this.#options.limit) throw tooLarge(this.#options.limit);
		if (this.#plain === null) this.#check.push(bytes);
		await this.#spool.write(bytes);
	}
}

/** The pieces of a stream; throws when the next does not come in time. Leaves the stream open: the answer goes back on it. */
async function* inTime(stream: Readable, patience: number): AsyncGenerator<Uint8Array> {
	const pieces = stream.iterator({ destroyOnReturn: false });
	try {
		for (;;) {
			const next = await within(pieces.next(), patience);
			if (next.done === true) return;
			yield Buffer.isBuffer(next.value) ? next.value : Buffer.from(String(next.value));
		}
	} finally {
		// Not waited for: it may stand behind a piece that never comes.
		pieces.return?.()?.catch(() => undefined);
	}
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(
			() => reject(fail('request-timeout', `Nothing of the archive came for ${ms / 1000} s.`, { headers: { connection: 'close' } })),
			ms,
		);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		clearTimeout(timer);
	}
}

export function tooLarge(limit: number): ZunboxError {
	// What else comes is not waited for.
	return fail('payload-too-large', `The archive is larger than the limit of ${limit} bytes.`, { headers: { connection: 'close' } });
}
