import type { Io } from '../io.ts';
import { paintFor, toneOf } from './style.ts';
import { cut, pad, plain, widthOf } from './text.ts';
import { bytesText } from './words.ts';

export interface PullProgress {
	readonly layersDone: number;
	readonly layersTotal: number;
	readonly bytesDone: number;
	readonly bytesTotal: number;
}

interface Item {
	readonly name: string;
	text: string;
	pull: PullProgress | null;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const plainFrames = ['|', '/', '-', '\\'];
/** Columns of a bar, and of a terminal that is too narrow for it and has half of it. */
const barWidth = 24;
const narrow = 110;
/** ms between two lines about one pull where no terminal is. */
const pullPause = 5000;

/**
 * Shows on standard error what is waited for: on a terminal one line for each that is drawn anew, and gone at the end;
 * elsewhere a line for each change.
 */
export class Progress {
	readonly #io: Io;
	readonly #isShown: boolean;
	readonly #items: Item[] = [];
	readonly #lastPull = new Map<string, number>();
	#timer: NodeJS.Timeout | null = null;
	#drawn = 0;
	#frame = 0;

	constructor(io: Io, isShown: boolean) {
		this.#io = io;
		this.#isShown = isShown;
	}

	/** What goes on with a thing. */
	show(name: string, text: string, pull: PullProgress | null = null): void {
		if (!this.#isShown) return;
		let item = this.#items.find((candidate) => candidate.name === name);
		if (item === undefined) {
			item = { name, text: '', pull: null };
			this.#items.push(item);
		}
		const isNews = item.text !== text;
		item.text = text;
		item.pull = pull;
		if (this.#io.err.isTerminal) this.#start();
		else if (isNews || (pull !== null && this.#pullIsDue(name)))
			this.#io.err.write(`${plain(`${name}: ${text}${pull === null ? '' : ` ${pullText(pull)}`}`)}\n`);
	}

	/** Nothing more to wait for: what was drawn goes. */
	end(): void {
		if (this.#timer !== null) clearInterval(this.#timer);
		this.#timer = null;
		if (this.#drawn > 0) this.#io.err.write(`\u001b[${this.#drawn}A\u001b[0J`);
		this.#drawn = 0;
		this.#items.length = 0;
	}

	#pullIsDue(name: string): boolean {
		const now = this.#io.now();
		if (now - (this.#lastPull.get(name) ?? 0) < pullPause) return false;
		this.#lastPull.set(name, now);
		return true;
	}

	#start(): void {
		if (this.#timer !== null) return;
		this.#draw();
		this.#timer = setInterval(() => this.#draw(), 100).unref();
	}

	#draw(): void {
		const isUtf8 = /utf-?8/i.test(this.#io.environment['LC_ALL'] || this.#io.environment['LC_CTYPE'] || this.#io.environment['LANG'] || '');
		const paint = paintFor(this.#io.err, this.#io.environment);
		const turning = isUtf8 ? frames : plainFrames;
		this.#frame += 1;
		const width = this.#io.err.width - 1;
		const names = Math.min(30, Math.max(...this.#items.map(({ name }) => widthOf(plain(name)))));
		const lines = this.#items.map((item) => {
			const sign = turning[this.#frame % turning.length] ?? '';
			const name = pad(cut(plain(item.name), names), names);
			const bar =
				item.pull === null ? '' : ` ${progressBar(item.pull, isUtf8, width < narrow ? barWidth / 2 : barWidth)} ${pullText(item.pull)}`;
			const room = Math.max(8, width - 4 - names - widthOf(bar));
			const text = cut(plain(item.text), room);
			return `${paint(sign, 'busy')} ${name}  ${paint(text, toneOf(item.text))}${bar}`;
		});
		const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
		this.#io.err.write(`${up}${lines.map((line) => `\r${line}\u001b[0K\n`).join('')}`);
		this.#drawn = lines.length;
	}
}

function progressBar({ bytesDone, bytesTotal, layersDone, layersTotal }: PullProgress, isUtf8: boolean, columns: number): string {
	const ratio = bytesTotal > 0 ? bytesDone / bytesTotal : layersTotal > 0 ? layersDone / layersTotal : 0;
	const full = Math.round(Math.min(1, ratio) * columns);
	return (isUtf8 ? '━' : '#').repeat(full) + (isUtf8 ? '┄' : '.').repeat(columns - full);
}

function pullText({ bytesDone, bytesTotal, layersDone, layersTotal }: PullProgress): string {
	const percent =
		bytesTotal > 0
			? `${String(Math.floor((bytesDone / bytesTotal) * 100)).padStart(3)} %  ${bytesText(bytesDone)} of ${bytesText(bytesTotal)}, `
			: '';
	return `${percent}${layersDone} of ${layersTotal} layers`;
}
