import type { CommandSpec } from '../tree/spec.ts';
import { completionTree, type Node } from './tree.ts';

/** A zsh completion script for the commands. */
export function zshScript(commands: readonly CommandSpec[], settingFlags: readonly string[]): string {
	const nodes = completionTree(commands, settingFlags);
	return `#compdef zunbox
# zsh completion of zunbox: zunbox completion zsh > "\${fpath[1]}/_zunbox"
_zunbox() {
	local current=\${words[CURRENT]} node_path= word previous= values= rest= argument=0 index
	local -a subcommands options candidates
	for ((index = 2; index < CURRENT; index++)); do
		word=\${words[index]}
		_zunbox_node "$node_path"
		if [[ -n $previous ]]; then
			previous=
		elif [[ $word == -* ]]; then
			[[ " $values " == *" $word "* ]] && previous=$word
		elif (( \${#subcommands} )) && [[ -n \${(M)subcommands:#$word:*} ]]; then
			node_path="\${node_path:+$node_path }$word"
		else
			argument=$((argument + 1))
		fi
	done
	_zunbox_node "$node_path"
	if [[ -n $previous ]]; then
		_zunbox_value "$node_path $previous"
	elif [[ $current == -* && ( -z $rest || $argument -lt $rest ) ]]; then
		_describe option options
	elif (( \${#subcommands} )); then
		_describe command subcommands
	else
		_zunbox_value "$node_path $argument"
	fi
}

_zunbox_node() {
	subcommands=() options=() values= rest=
	case $1 in
${nodes.map(nodeCase).join('')}	esac
}

_zunbox_value() {
	case $1 in
${nodes.flatMap(valueCases).join('')}	(*) _files ;;
	esac
}

# Called as a function of fpath it completes at once; sourced it only says how.
if [[ $funcstack[1] == _zunbox ]]; then
	_zunbox "$@"
else
	compdef _zunbox zunbox
fi
`;
}

function nodeCase(node: Node): string {
	const subcommands = node.subcommands.map(({ word, summary }) => described(word, summary));
	const options = node.options.flatMap(({ words, summary }) => words.map((word) => described(word, summary)));
	const values = node.options.filter(({ takesValue }) => takesValue).flatMap(({ words }) => words);
	const parts = [
		...(subcommands.length > 0 ? [`subcommands=(${subcommands.join(' ')})`] : []),
		`options=(${options.join(' ')})`,
		...(values.length > 0 ? [`values='${values.join(' ')}'`] : []),
		...(node.commandAfter === null ? [] : [`rest=${node.commandAfter}`]),
	];
	return `	('${node.path}') ${parts.join(' ')} ;;\n`;
}

function described(word: string, summary: string): string {
	return `'${word}:${summary.replaceAll(':', '\\:').replaceAll("'", "'\\''")}'`;
}

function valueCases(node: Node): readonly string[] {
	const ofOptions = node.options.flatMap(({ words, choices, of }) =>
		choices === null && of === null ? [] : [`	(${words.map((word) => `'${node.path} ${word}'`).join(' | ')}) ${reply(choices, of)} ;;\n`],
	);
	const ofArguments = node.arguments.flatMap(({ choices, of, repeats }, index) => {
		if (choices === null && of === null) return [];
		const pattern = repeats ? `'${node.path} '[0-9]*` : `'${node.path} ${index}'`;
		return [`	(${pattern}) ${reply(choices, of)} ;;\n`];
	});
	return [...ofOptions, ...ofArguments];
}

function reply(choices: readonly string[] | null, of: string | null): string {
	if (choices !== null) return `compadd -- ${choices.join(' ')}`;
	return `candidates=(\${(f)"$(zunbox names ${of} 2>/dev/null)"}); compadd -a candidates`;
}
