/** The text in lines of at most `width` characters, broken between words. Line breaks of its own are kept. */
export function wrap(text: string, width: number): readonly string[] {
	return text.split('\n').flatMap((paragraph) => {
		const lines: string[] = [];
		let line = '';
		for (const word of paragraph.split(' ')) {
			if (line !== '' && line.length + 1 + word.length > width) {
				lines.push(line);
				line = word;
			} else {
				line = line === '' ? word : `${line} ${word}`;
			}
		}
		return [...lines, line];
	});
}
