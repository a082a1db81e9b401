"""The `pointsman` command.

The planes and the classifier are imported by the commands that need them, so that `pointsman --help` and completion
answer at once and each installation needs only the extras of what it runs.
"""

import sys

from pointsman.core.errors import PointsmanError


def main() -> None:
    """Run the command line; what is wrong with a file or flag is one line on stderr and exit code 2."""
    from pointsman.cli.app import app
    from pointsman.cli.output import complain

    try:
        app()
    except PointsmanError as error:
        complain(str(error))
        sys.exit(2)
