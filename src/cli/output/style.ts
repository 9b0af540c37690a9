import type { Io, Sink } from '../io.ts';

export type Tone = 'good' | 'bad' | 'busy' | 'quiet' | 'strong';

const codes: Record<Tone, readonly [number, number]> = {
	good: [32, 39],
	bad: [31, 39],
	busy: [33, 39],
	quiet: [2, 22],
	strong: [1, 22],
};

export type Paint = (text: string, tone: Tone | null) => string;

/** Colours where a person looks and did not say NO_COLOR. */
export function paintFor(sink: Sink, environment: Io['environment']): Paint {
	const isColoured = sink.isTerminal && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
	return (text, tone) => (isColoured && tone !== null ? `\u001b[${codes[tone][0]}m${text}\u001b[${codes[tone][1]}m` : text);
}

/** How a status of a sandbox, container, host or volume looks. */
export function toneOf(status: string): Tone | null {
	switch (status.split(/[ (]/)[0]) {
		case 'Running':
		case 'up':
		case 'ACTIVE':
		case 'available':
		case 'in-use':
			return 'good';
		case 'Error':
		case 'Dead':
		case 'down':
		case 'error':
			return 'bad';
		case 'Stopped':
		case 'Created':
			return 'quiet';
		case '':
		case '-':
			return null;
		default:
			return 'busy';
	}
}
