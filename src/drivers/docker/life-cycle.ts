import { setTimeout as delay } from 'node:timers/promises';
import { DriverError } from '../driver.ts';
import type { DockerContext } from './context.ts';
import { field, text } from './engine/json.ts';
import { type EngineObject, type ObjectKind, toObject } from './engine-objects.ts';
import { labels } from './names.ts';
import { thawFrozen } from './thaw.ts';

/**
 * What sandboxes and containers have in common, as they are both containers to the engine: creation, pausing and
 * removal as ensures, on top of calls that are none.
 */

/** How long an engine that is in the middle of another call on the same object is waited for, in ms. */
const patience = 30_000;
const pauseBetweenLooks = 40;

/** Makes the object, or finds what an earlier or concurrent call made. Answers whether it was made now. */
export async function ensureCreated(
	context: DockerContext,
	kind: ObjectKind,
	id: string,
	name: string,
	body: unknown,
	signal: AbortSignal,
): Promise<'made' | 'found'> {
	const deadline = performance.now() + patience;
	for (;;) {
		const answer = await context.engine.json({ method: 'POST', path: '/containers/create', query: { name }, body, signal, accept: [409] });
		if (answer.status !== 409) {
			context.objects.learn(kind, id, { engineId: text(answer.body, 'Id'), tty: field(body, 'Tty') === true });
			return 'made';
		}
		const standing = await context.objects.inspectName(kind, id, signal);
		if (standing !== null) {
			checkSame(context, kind, id, name, body, standing);
			return 'found';
		}
		// The name is kept for a creation or removal that has not ended yet.
		if (performance.now() > deadline) throw new DriverError('conflict', text(answer.body, 'message') || `the name ${name} is taken`);
		await delay(pauseBetweenLooks, undefined, { signal });
	}
}

function checkSame(context: DockerContext, kind: ObjectKind, id: string, name: string, body: unknown, standing: unknown): void {
	if (!context.objects.isOurs(kind, id, standing)) {
		throw new DriverError('conflict', `the engine has a container named ${name} that is not ours; rename or remove it`);
	}
	const wanted = text(body, 'Labels', labels.revision);
	const found = text(standing, 'Config', 'Labels', labels.revision);
	if (wanted !== found) {
		throw new DriverError('conflict', `${kind} ${id} stands in revision ${found}; it must be removed before revision ${wanted} is made`);
	}
	context.objects.learn(kind, id, toObject(standing));
}

/** Freezes all processes of it. */
export async function pauseObject(context: DockerContext, object: EngineObject, signal: AbortSignal): Promise<void> {
	const path = `/containers/${object.engineId}/pause`;
	try {
		await context.engine.json({ method: 'POST', path, signal });
	} catch (error) {
		if (!(error instanceof DriverError)) throw error;
		if (/cannot pause a paused/i.test(error.message)) await giveUpFrozen(context, object, error, signal);
		if (!/is already paused/i.test(error.message)) throw error;
	}
}

export async function unpauseObject(context: DockerContext, object: EngineObject, signal: AbortSignal): Promise<void> {
	const path = `/containers/${object.engineId}/unpause`;
	try {
		await context.engine.json({ method: 'POST', path, signal });
	} catch (error) {
		if (!(error instanceof DriverError)) throw error;
		if (/is not paused/i.test(error.message)) {
			// Either it runs, which is what is wanted, or the engine's record does not know of the freeze.
			await thawFrozen(context.engine, object.engineId, signal);
			return;
		}
		throw error;
	}
}

/**
 * An engine that was killed while it paused a container may have it frozen below and running in its record; then it
 * refuses both to pause and to unpause it for ever. Only the end of the process brings the two together again.
 */
async function giveUpFrozen(context: DockerContext, object: EngineObject, cause: DriverError, signal: AbortSignal): Promise<never> {
	await context.engine.json({
		method: 'POST',
		path: `/containers/${object.engineId}/kill`,
		query: { signal: 'SIGKILL' },
		signal,
		accept: [404, 409, 500],
	});
	await thawFrozen(context.engine, object.engineId, signal);
	throw new DriverError('failed', 'the engine lost track of a pause; the container was ended so that it can be started anew', { cause });
}

/** Removes it with its anonymous volumes, running or not. */
export async function removeObject(context: DockerContext, object: EngineObject, signal: AbortSignal): Promise<void> {
	const deadline = performance.now() + patience;
	const path = `/containers/${object.engineId}`;
	for (;;) {
		try {
			const answer = await context.engine.json({ method: 'DELETE', path, query: { force: true, v: true }, signal, accept: [404, 409] });
			if (answer.status < 400 || answer.status === 404) return;
			if (performance.now() > deadline) throw new DriverError('failed', text(answer.body, 'message'));
		} catch (error) {
			if (!(error instanceof DriverError) || error.code === 'unavailable' || performance.now() > deadline) throw error;
			// Nothing ends while it is frozen, whatever the engine's record says.
			if (!(await thawFrozen(context.engine, object.engineId, signal))) throw error;
		}
		await delay(pauseBetweenLooks, undefined, { signal });
	}
}
