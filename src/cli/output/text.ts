/**
 * Text that came from elsewhere, made safe for a terminal: what could move the cursor, colour the screen or hide a part
 * of a line is shown as what it is.
 */
export function plain(text: string): string {
	return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) =>
		character === '\n' || character === '\t' ? ' ' : `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
	);
}

/** Columns that the text takes on a terminal. */
export function widthOf(text: string): number {
	let width = 0;
	for (const character of text) width += characterWidth(character.codePointAt(0) ?? 0);
	return width;
}

/** The text in at most `width` columns; what is cut off is marked. */
export function cut(text: string, width: number): string {
	if (widthOf(text) <= width) return text;
	let kept = '';
	let taken = 1;
	for (const character of text) {
		taken += characterWidth(character.codePointAt(0) ?? 0);
		if (taken > width) break;
		kept += character;
	}
	return width < 1 ? '' : `${kept}…`;
}

export function pad(text: string, width: number): string {
	return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Wide characters of East Asia and emoji take two columns; marks that sit on another character none. */
function characterWidth(code: number): number {
	if (code < 0x300) return 1;
	if ((code >= 0x300 && code <= 0x36f) || code === 0x200b || code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
	const isWide =
		(code >= 0x1100 && code <= 0x115f) ||
		(code >= 0x2e80 && code <= 0xa4cf) ||
		(code >= 0xac00 && code <= 0xd7a3) ||
		(code >= 0xf900 && code <= 0xfaff) ||
		(code >= 0xfe30 && code <= 0xfe6f) ||
		(code >= 0xff00 && code <= 0xff60) ||
		(code >= 0xffe0 && code <= 0xffe6) ||
		(code >= 0x1f300 && code <= 0x1faff) ||
		(code >= 0x20000 && code <= 0x3fffd);
	return isWide ? 2 : 1;
}
