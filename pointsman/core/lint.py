"""Everything that is wrong with a set of files, as if they were applied together."""

from collections.abc import Mapping

import msgspec

from pointsman.core.compile import compile_snapshot
from pointsman.core.installation import OPEN, Installation
from pointsman.core.parse import parse
from pointsman.core.problems import Problem


def lint(files: Mapping[str, str], installation: Installation = OPEN) -> list[Problem]:
    """Problems of reading, validation and compilation, each with its file, sorted by file and object.

    What only a cluster can tell (whether a Service or a Secret exists) is left out, unless `installation` says that it
    is to be seen.
    """
    parsed = parse(files)
    verdicts = compile_snapshot(parsed.resources, installation).verdicts
    compiled = [
        msgspec.structs.replace(problem, file=parsed.files.get(problem.object, problem.file))
        for verdict in verdicts
        for problem in verdict.problems
    ]
    problems = dict.fromkeys([*parsed.problems, *compiled])  # those of broken objects come with both
    return sorted(problems, key=lambda problem: (problem.file, problem.object))
