import type { CommandSpec } from '../tree/spec.ts';
import { completionTree, type Node } from './tree.ts';

/** A bash completion script for the commands. */
export function bashScript(commands: readonly CommandSpec[], settingFlags: readonly string[]): string {
	const nodes = completionTree(commands, settingFlags);
	return `# bash completion of zunbox: source <(zunbox completion bash)
_zunbox() {
	local current=\${COMP_WORDS[COMP_CWORD]} path= word previous= index argument=0 subcommands options values rest
	COMPREPLY=()
	for ((index = 1; index < COMP_CWORD; index++)); do
		word=\${COMP_WORDS[index]}
		_zunbox_node "$path"
		if [[ -n $previous ]]; then
			previous=
		elif [[ $word == -* ]]; then
			[[ " $values " == *" $word "* ]] && previous=$word
		elif [[ " $subcommands " == *" $word "* ]]; then
			path="\${path:+$path }$word"
		else
			argument=$((argument + 1))
		fi
	done
	_zunbox_node "$path"
	if [[ -n $previous ]]; then
		_zunbox_value "$path $previous" "$current"
	elif [[ $current == -* && -z $rest || $current == -* && $argument -lt $rest ]]; then
		COMPREPLY=($(compgen -W "$options" -- "$current"))
	elif [[ -n $subcommands ]]; then
		COMPREPLY=($(compgen -W "$subcommands" -- "$current"))
	else
		_zunbox_value "$path $argument" "$current"
	fi
}

# What is there after the words of a command: subcommands, options, those options that take a value, and after how many
# arguments a command for somebody else begins.
_zunbox_node() {
	subcommands= options= values= rest=
	case $1 in
${nodes.map(nodeCase).join('')}	esac
}

# The values of an option ("command --option") or of an argument ("command 0").
_zunbox_value() {
	case $1 in
${nodes.flatMap(valueCases).join('')}	*) COMPREPLY=($(compgen -f -- "$2")) ;;
	esac
}

complete -o filenames -F _zunbox zunbox
`;
}

function nodeCase(node: Node): string {
	const options = node.options.flatMap(({ words }) => words);
	const values = node.options.filter(({ takesValue }) => takesValue).flatMap(({ words }) => words);
	const parts = [
		...(node.subcommands.length > 0 ? [`subcommands='${node.subcommands.map(({ word }) => word).join(' ')}'`] : []),
		`options='${options.join(' ')}'`,
		...(values.length > 0 ? [`values='${values.join(' ')}'`] : []),
		...(node.commandAfter === null ? [] : [`rest=${node.commandAfter}`]),
	];
	return `	'${node.path}') ${parts.join(' ')} ;;\n`;
}

function valueCases(node: Node): readonly string[] {
	const ofOptions = node.options.flatMap(({ words, choices, of }) =>
		choices === null && of === null ? [] : [`	${words.map((word) => `'${node.path} ${word}'`).join(' | ')}) ${reply(choices, of)} ;;\n`],
	);
	const ofArguments = node.arguments.flatMap(({ choices, of, repeats }, index) => {
		if (choices === null && of === null) return [];
		const pattern = repeats ? `'${node.path} '[0-9]*` : `'${node.path} ${index}'`;
		return [`	${pattern}) ${reply(choices, of)} ;;\n`];
	});
	return [...ofOptions, ...ofArguments];
}

function reply(choices: readonly string[] | null, of: string | null): string {
	const words = choices === null ? `$(zunbox names ${of} 2>/dev/null)` : choices.join(' ');
	return `COMPREPLY=($(compgen -W "${words}" -- "$2"))`;
}
