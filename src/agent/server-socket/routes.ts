import type { ServerCall } from '../../model/server.ts';
import { checked } from './body.ts';
import {
	attachPortSchema,
	attachVolumeSchema,
	detachPortSchema,
	detachVolumeSchema,
	nothingSchema,
	plugSchema,
	powerOffSchema,
	powerOnSchema,
	spawnSchema,
} from './schemas.ts';

/** A call of `PUT /servers/{id}/{kind}`: what the body must be, and how long it is waited for when the caller does not say. */
interface CallRoute {
	/** Seconds. */
	readonly timeout: number;
	/** Throws `invalid`. */
	read(serverId: string, body: unknown): ServerCall;
}

/** Every call that the socket takes. A new kind of call does not compile without its row. */
export const callRoutes: { readonly [K in ServerCall['kind']]: CallRoute } = {
	spawn: {
		timeout: 300,
		read(serverId, body) {
			const { server, ports, volumes } = checked(spawnSchema, body, 'body');
			return { kind: 'spawn', server: { ...server, serverId }, ports, volumes };
		},
	},
	ready: plain('ready'),
	destroy: plain('destroy'),
	'power-off': {
		timeout: 120,
		read: (serverId, body) => ({ kind: 'power-off', serverId, ...checked(powerOffSchema, body, 'body') }),
	},
	'power-on': {
		timeout: 300,
		read: (serverId, body) => ({ kind: 'power-on', serverId, ...checked(powerOnSchema, body, 'body') }),
	},
	pause: plain('pause'),
	unpause: plain('unpause'),
	plug: { timeout: 30, read: (serverId, body) => ({ kind: 'plug', serverId, ...checked(plugSchema, body, 'body') }) },
	'attach-port': {
		timeout: 60,
		read: (serverId, body) => ({ kind: 'attach-port', serverId, ...checked(attachPortSchema, body, 'body') }),
	},
	'detach-port': {
		timeout: 60,
		read: (serverId, body) => ({ kind: 'detach-port', serverId, ...checked(detachPortSchema, body, 'body') }),
	},
	'attach-volume': {
		timeout: 300,
		read: (serverId, body) => ({ kind: 'attach-volume', serverId, ...checked(attachVolumeSchema, body, 'body') }),
	},
	'detach-volume': {
		timeout: 120,
		read: (serverId, body) => ({ kind: 'detach-volume', serverId, ...checked(detachVolumeSchema, body, 'body') }),
	},
};

/** The route of a call by the name in its path; null = there is none. */
export function callRoute(name: string): CallRoute | null {
	const found = Object.entries(callRoutes).find(([kind]) => kind === name);
	return found?.[1] ?? null;
}

function plain(kind: 'ready' | 'destroy' | 'pause' | 'unpause'): CallRoute {
	return {
		timeout: 120,
		read(serverId, body) {
			checked(nothingSchema, body, 'body');
			return { kind, serverId };
		},
	};
}
