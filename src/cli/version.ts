import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Of the package that this file is in. */
export function version(): string {
	const content: unknown = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'));
	return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : '?';
}
