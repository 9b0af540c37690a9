/**
 * The Docker Engine as tests look at it: by its own API and not through the code under test.
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { makeBusyboxArchive } from '../../src/drivers/images/busybox-archive.ts';

/** The machine's own engine. */
const machineSocket = '/var/run/docker.sock';

/** Label under which everything that is made in an engine bears its owner. */
const ownerLabel = 'zunbox.owner';
/** What the owners of tests begin with, and no installation's does. */
const testOwnerPrefix = 'test-';

export interface EngineAnswer {
	readonly status: number;
	readonly text: string;
	/** The body as JSON. Throws where it is none. */
	json(): unknown;
}

export interface EngineRequest {
	/** Sent as JSON, or as it is when it is bytes. */
	readonly body?: unknown;
	readonly headers?: Readonly<Record<string, string>>;
	/** ms; 60,000 when missing. */
	readonly timeout?: number;
	/** Socket of the engine; the machine's own when missing. */
	readonly socket?: string | undefined;
}

/** One call of the Engine's API, such as `engine('GET', '/containers/json?all=1')`. Any status is an answer. */
export async function engine(method: string, path: string, options: EngineRequest = {}): Promise<EngineAnswer> {
	const { body, headers = {}, timeout = 60_000, socket = machineSocket } = options;
	const binary = Buffer.isBuffer(body);
	const content = body === undefined ? undefined : binary ? body : Buffer.from(JSON.stringify(body));
	const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
	http
		.request({
			socketPath: socket,
			method,
			path,
			headers: {
				...(content === undefined
					? {}
					: { 'content-type': binary ? 'application/x-tar' : 'application/json', 'content-length': content.length }),
				...headers,
			},
			signal: AbortSignal.timeout(timeout),
		})
		.on('response', resolve)
		.on('error', reject)
		.end(content);
	const answer = await promise;
	const text = await readText(answer);
	return { status: answer.statusCode ?? 0, text, json: (): unknown => JSON.parse(text) };
}

/** As `engine`, and an Error unless the status is 2xx or 304 (already so). */
export async function engineOk(method: string, path: string, options: EngineRequest = {}): Promise<EngineAnswer> {
	const answer = await engine(method, path, options);
	if ((answer.status < 200 || answer.status > 299) && answer.status !== 304) {
		throw new Error(`${method} ${path} gave ${answer.status}: ${answer.text.trim()}`);
	}
	return answer;
}

/** A mark for all that one test makes, which no other test and no installation has. */
export function testOwner(): string {
	return `${testOwnerPrefix}${randomBytes(6).toString('hex')}`;
}

export interface EngineContainer {
	readonly Id: string;
	readonly Names: readonly string[];
	readonly State: string;
	readonly Labels: Readonly<Record<string, string>>;
}

/** Every container, running or not, that bears the owner; without one, everything that bears any owner. */
export async function containersOf(owner?: string, socket?: string): Promise<readonly EngineContainer[]> {
	const filters = JSON.stringify({ label: [owner === undefined ? ownerLabel : `${ownerLabel}=${owner}`] });
	const found: readonly EngineContainer[] = JSON.parse(
		(await engineOk('GET', `/containers/json?all=1&filters=${encodeURIComponent(filters)}`, { socket })).text,
	);
	return found;
}

/** Removes every container of an owner, running or not. What somebody else removes meanwhile is no failure. */
export async function sweepOwner(owner: string, socket?: string): Promise<void> {
	for (const container of await containersOf(owner, socket)) await removeContainer(container.Id, socket);
}

/** Removes what tests that were killed have left behind. Answers how many containers that were. Only when no test runs. */
export async function sweepAllTests(): Promise<number> {
	const left = (await containersOf()).filter((container) => container.Labels[ownerLabel]?.startsWith(testOwnerPrefix));
	for (const container of left) await removeContainer(container.Id);
	return left.length;
}

async function removeContainer(id: string, socket?: string): Promise<void> {
	const answer = await engine('DELETE', `/containers/${id}?force=1&v=1`, { socket });
	if (answer.status >= 400 && answer.status !== 404 && answer.status !== 409) throw new Error(answer.text);
}

/** Makes sure that the Engine has the busybox image, and answers its reference. The image stays: all tests share it. */
export async function ensureBusybox(socket?: string): Promise<string> {
	const archive = await makeBusyboxArchive();
	const present = await engine('GET', `/images/${archive.reference}/json`, { socket });
	if (present.status === 200 && present.text.includes(`"Id":"${archive.id}"`)) return archive.reference;
	await loadImage(archive.tar, socket);
	return archive.reference;
}

/** Has the Engine read a tar as `docker save` makes it. */
export async function loadImage(tar: Buffer, socket?: string): Promise<void> {
	const answer = await engineOk('POST', '/images/load?quiet=1', { body: tar, socket });
	if (answer.text.includes('"error"')) throw new Error(`the image was not loaded: ${answer.text.trim()}`);
}

export interface RegistryLogin {
	readonly username: string;
	readonly password: string;
}

/** Gives the image a name in a registry, such as `127.0.0.1:5000/some/name:tag`, pushes it there and forgets the name. */
export async function pushImage(image: string, target: string, login?: RegistryLogin): Promise<void> {
	const colon = target.lastIndexOf(':');
	const [repository, tag] = [target.slice(0, colon), target.slice(colon + 1)];
	await engineOk('POST', `/images/${image}/tag?repo=${encodeURIComponent(repository)}&tag=${encodeURIComponent(tag)}`);
	try {
		// URL-safe with its padding: without it the engine takes a login of most lengths for none.
		const auth = Buffer.from(JSON.stringify(login ?? {}))
			.toString('base64')
			.replaceAll('+', '-')
			.replaceAll('/', '_');
		const answer = await engineOk('POST', `/images/${repository}/push?tag=${encodeURIComponent(tag)}`, {
			headers: { 'x-registry-auth': auth },
		});
		if (answer.text.includes('"error"')) throw new Error(`the image was not pushed: ${answer.text.trim()}`);
	} finally {
		await removeImage(target);
	}
}

/** Removes an image's name, and the image with its last one; one that is not there is no failure. */
export async function removeImage(reference: string): Promise<void> {
	const answer = await engine('DELETE', `/images/${reference}?force=1`);
	if (answer.status >= 400 && answer.status !== 404) throw new Error(answer.text);
}
