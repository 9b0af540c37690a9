import { number, text } from './engine/json.ts';

export interface PullTotals {
	readonly layersDone: number;
	readonly layersTotal: number;
	readonly bytesDone: number;
	readonly bytesTotal: number;
}

interface Layer {
	done: boolean;
	bytes: number;
	total: number;
}

/** What the engine says about one layer, beside the status lines of the image as a whole. */
const layerStatus =
	/^(pulling fs layer|waiting|downloading|verifying checksum|download complete|extracting|pull complete|already exists|preparing|pushing|pushed|layer already exists|mounted from.*)$/i;

/**
 * Adds up the engine's lines about a pull (or push): one at a time for each layer, named by its id. Bytes are those of
 * the downloads; a layer that was there already counts as done, without bytes.
 */
export class PullProgressCounter {
	readonly #layers = new Map<string, Layer>();

	/** Answers whether the line changed anything. */
	add(line: unknown): boolean {
		const id = text(line, 'id');
		const status = text(line, 'status');
		if (id === '' || !layerStatus.test(status)) return false;
		const layer = this.#layers.get(id) ?? { done: false, bytes: 0, total: 0 };
		this.#layers.set(id, layer);
		const current = number(line, 'progressDetail', 'current');
		const total = number(line, 'progressDetail', 'total');
		switch (status.toLowerCase()) {
			case 'downloading':
			case 'pushing':
				// Bytes never go backwards for whoever watches, also when the engine starts a layer again.
				layer.total = Math.max(layer.total, total, current);
				layer.bytes = Math.max(layer.bytes, current);
				break;
			case 'verifying checksum':
			case 'download complete':
			case 'extracting':
				layer.total = Math.max(layer.total, status.toLowerCase() === 'extracting' ? total : 0);
				layer.bytes = layer.total;
				break;
			case 'pull complete':
			case 'already exists':
			case 'pushed':
			case 'layer already exists':
				layer.bytes = layer.total;
				layer.done = true;
				break;
		}
		return true;
	}

	totals(): PullTotals {
		const layers = [...this.#layers.values()];
		return {
			layersDone: layers.filter((layer) => layer.done).length,
			layersTotal: layers.length,
			bytesDone: layers.reduce((sum, layer) => sum + layer.bytes, 0),
			bytesTotal: layers.reduce((sum, layer) => sum + layer.total, 0),
		};
	}
}
