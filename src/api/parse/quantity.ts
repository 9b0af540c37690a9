import { fail } from '../../model/errors.ts';

export interface QuantityLimits {
	readonly minimum: number;
	readonly maximum: number;
	readonly integer?: boolean;
}

/**
 * A number that may come as text, within its limits; undefined = not given. Throws `schema-validation-error` that says
 * the limits.
 */
export function quantity(field: string, value: number | string | null | undefined, limits: QuantityLimits): number | undefined {
	if (value === undefined || value === null || value === 'None') return undefined;
	const number = typeof value === 'number' ? value : /^(\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : Number.NaN;
	const { minimum, maximum, integer = false } = limits;
	if (Number.isFinite(number) && number >= minimum && number <= maximum && (!integer || Number.isInteger(number))) return number;
	throw fail(
		'schema-validation-error',
		`Invalid input for field '${field}'. Value: ${JSON.stringify(String(value).slice(0, 40))}. It must be ${integer ? 'an integer' : 'a number'} from ${minimum} to ${maximum}.`,
	);
}

export const cpuLimits: QuantityLimits = { minimum: 0.1, maximum: 16 };
export const memoryLimits: QuantityLimits = { minimum: 4, maximum: 8192, integer: true };
export const diskLimits: QuantityLimits = { minimum: 1, maximum: 160, integer: true };
export const pidsLimits: QuantityLimits = { minimum: 1, maximum: 1_000_000, integer: true };
export const timeoutLimits: QuantityLimits = { minimum: 0, maximum: 86_400, integer: true };
export const terminalLimits: QuantityLimits = { minimum: 1, maximum: 65_535, integer: true };
