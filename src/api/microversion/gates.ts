import { type ErrorCode, fail } from '../../model/errors.ts';
import type { Minor } from './version.ts';

/** From which version a request field is taken, and what earlier versions answer. */
export interface FieldGate {
	readonly from: Minor;
	readonly code: Extract<ErrorCode, 'invalid-param-in-version' | 'schema-validation-error'>;
}

const since = (from: Minor): FieldGate => ({ from, code: 'invalid-param-in-version' });
const unknownBefore = (from: Minor): FieldGate => ({ from, code: 'schema-validation-error' });

/**
 * Request fields by rule. Versions gate what is asked, never what is answered. What Zun does not have (`sandbox`,
 * `pids`, ...) is announced by 1.41 or 1.42 and taken at every version, so it has no row. `nets`, `cpu_policy` and `tty` were
 * taken at every version in Zun too, whatever its documents say.
 */
export const fieldGates: Readonly<Record<string, Readonly<Record<string, FieldGate>>>> = {
	'container:create': {
		auto_remove: since(3),
		runtime: since(5),
		hostname: since(9),
		mounts: since(11),
		privileged: since(21),
		healthcheck: since(22),
		exposed_ports: since(24),
		registry: since(31),
		host: since(39),
		entrypoint: unknownBefore(40),
	},
	'container:update': { name: unknownBefore(14) },
	'container:delete': { force: since(7), stop: since(12) },
	'container:network_detach': { port: since(17) },
};

/** Throws when a field is given that the version does not have. Empty lists and objects, null and false are as if absent. */
export function checkFields(rule: string, version: Minor, fields: unknown): void {
	const gates = fieldGates[rule];
	if (gates === undefined || typeof fields !== 'object' || fields === null) return;
	for (const [name, value] of Object.entries(fields)) {
		const gate = Object.hasOwn(gates, name) ? gates[name] : undefined;
		if (gate === undefined || version >= gate.from || isAbsent(name, value)) continue;
		throw fail(
			gate.code,
			`Invalid param '${name}' because current request version is 1.${version}. '${name}' is only supported from version 1.${gate.from}: ` +
				`send the header 'OpenStack-API-Version: container 1.${gate.from}' or a later one.`,
		);
	}
}

function isAbsent(name: string, value: unknown): boolean {
	if (value === null || value === undefined || value === '') return true;
	if (Array.isArray(value)) return value.length === 0;
	if (typeof value === 'object') return Object.keys(value).length === 0;
	// Even `auto_remove: false` is refused by versions that lack it, as in Zun; `force=False` of a delete is not.
	if (name === 'auto_remove' || name === 'privileged') return false;
	return typeof value === 'boolean' ? !value : ['false', '0', 'off', 'no'].includes(String(value).toLowerCase());
}
