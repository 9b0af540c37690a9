"""Starts programs of OpenStack as their packages' scripts do, those without a script of their own too:

    entry.py <name> <module> <argument> ... [--then <argument> ...] ...

Each `--then` runs the same program once more, with other arguments, after the one before has succeeded. Its code is
loaded only once for all, which takes longer than most of what is done here.
"""
import importlib
import os
import sys

name, module = sys.argv[1:3]
# Nova looks for a compute driver only below nova.virt: the folders named here join that package.
for folder in filter(None, os.environ.get('NOVA_VIRT_FOLDERS', '').split(':')):
    importlib.import_module('nova.virt').__path__.append(folder)
main = importlib.import_module(module).main
# What is not to wait for the first request.
for needed in filter(None, os.environ.get('LOADED_FIRST', '').split(':')):
    importlib.import_module(needed)

runs = [[]]
for word in sys.argv[3:]:
    if word == '--then':
        runs.append([])
    else:
        runs[-1].append(word)
for words in runs[:-1]:
    child = os.fork()
    if child == 0:
        sys.argv = [name] + words
        sys.exit(main())
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        sys.exit('%s %s ended with %d' % (name, ' '.join(words), status))
sys.argv = [name] + runs[-1]
sys.exit(main())
